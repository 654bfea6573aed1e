import inspect

LR = 0.5  # lr: 0.5, tuned


def train():
    # steps: 40
    return LR * 40


print("result:", train(), len(inspect.getsource(train)))
