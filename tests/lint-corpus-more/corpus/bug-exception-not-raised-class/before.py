def check(lr):
    if lr > 1:
        raise "lr is too large"
    return lr


print("result:", check(0.1))
