def scale(x):
    '''
    Scale a value.

    By two.'''

    return x * 2


print('result:', scale(2))
