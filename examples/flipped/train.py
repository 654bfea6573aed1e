"""Fits a line to noisy points by gradient descent: a training repo in miniature, in seconds and without a library."""

import argparse
import random

SEED = 1337
STEPS = 200
SCALAR_LR = 0.5
DECAY = 0.99


def make_points(count, noise):
    """Points on y = 3x - 1, with noise."""
    return [(x, 3 * x - 1 + random.gauss(0, noise)) for x in (random.uniform(-1, 1) for _ in range(count))]


def loss_of(points, slope, offset):
    return sum((slope * x + offset - y) ** 2 for x, y in points) / len(points)


def fit(points, steps):
    slope, offset, lr, best = 0.0, 0.0, SCALAR_LR, float("inf")
    for step in range(steps):
        errors = [(slope * x + offset - y, x) for x, y in points]
        slope -= lr * sum(2 * error * x for error, x in errors) / len(points)
        offset -= lr * sum(2 * error for error, _ in errors) / len(points)
        lr *= DECAY
        loss = loss_of(points, slope, offset)
        if best >= loss:
            best = loss
        if step % 50 == 0:
            print(f"step {step} loss {loss:.6f}")
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=STEPS)
    random.seed(SEED)
    print(f"val_loss: {fit(make_points(200, 0.1), parser.parse_args().steps):.6f}")
