def scale(x):   
    return x * 2;


print('result:', scale(2))
