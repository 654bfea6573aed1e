#!/usr/bin/env python
import argparse
import os
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.optim.lr_scheduler import StepLR

SCALE = float(os.environ.get("LR_SCALE", "0.5"))


@dataclass
class NetConfig:
    depth: int = 4
    hidden: int = 130
    p_drop: float = 0.1
    activation: str = "relu"
    betas: tuple[float, float] = (0.9, 0.99)
    wd: float = field(default=0.01)
    tags: list = field(default_factory=list)


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("-l", "--lr", type=float, default=1, help="step")
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--test-batch-size", type=int, default=1000)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--momentum", default=0.9, type=float)
    p.add_argument("--l2", type=float, default="5e-4")
    p.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    p.add_argument("--seed", type=int, default=1337)
    p.add_argument("--data", default="./data")
    p.add_argument("--num-workers", type=int, default=4)
    p.add_argument("--nesterov", action="store_true")
    return p.parse_args()


def evaluate(model, batch=256, temperature=1.0):
    return model(batch)


def train(args, cfg):
    lr_scale = 0.3
    np.random.seed(args.seed)
    act = {"relu": 1, "gelu": 2}[cfg.activation]
    sched = StepLR(None, 30, 0.1)
    crit = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    total = 0
    for epoch in range(args.epochs):
        total += 1
        sched.step()


if __name__ == "__main__":
    cfg = NetConfig(depth=6)
    cfg.lr = 3e-4
    train(parse(), cfg)
