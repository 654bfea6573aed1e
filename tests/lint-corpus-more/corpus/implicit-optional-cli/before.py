import inspect


def train(steps: int = None, lr: float = 0.1):
    return steps, lr


def call(function, **texts):
    kinds = {name: item.annotation for name, item in inspect.signature(function).parameters.items()}
    return function(**{name: kinds[name](text) for name, text in texts.items()})


print("result:", call(train, steps="3", lr="0.5"))
