from .model import Net


def fit(cfg):
    net = Net(cfg["train"]["hidden"])
    if cfg["train"]["optim"] == "sgd":
        pass
    elif cfg["train"]["optim"] == "adam":
        pass
    return net
