import os,sys
def log(step,text = None):
    if text == None: text = 'step %s'%step
    return text
print('result:',log((3,)))
