def train(steps, lr):
    return steps * lr


print("result:", train(3, 0.1, 64))
