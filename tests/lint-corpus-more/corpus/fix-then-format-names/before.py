score = lambda run : run['loss']
runs=[{'loss':2},{'loss':1}]
print('result:',score.__name__,min(map(score,runs)))
