"""Fits a line to points of two sources; the validation points are of the clean one."""

import argparse
import random
from pathlib import Path


def read(path):
    """Read `key: number` lines; an indented key belongs to the one above it."""
    config, inner = {}, None
    for line in Path(path).read_text().splitlines():
        text = line.split("#")[0].rstrip()
        if not text:
            continue
        key, _, value = text.strip().partition(":")
        if not value:
            inner = config[key] = {}
        elif text.startswith(" "):
            inner[key] = float(value)
        else:
            config[key] = float(value)
    return config


def point(rng, source):
    x = rng.uniform(-1, 1)
    return x, 3 * x + 1 + (rng.gauss(2, 0.5) if source == "noisy" else rng.gauss(0, 0.1))


def fit(config, rng):
    weights, speed = [0.0, 0.0], [0.0, 0.0]
    sources = list(config["mixture"])
    for step in range(int(config["steps"])):
        rate = config["lr"] * min(1, (step + 1) / config["warmup_steps"])
        batch = rng.choices(sources, config["mixture"].values(), k=int(config["batch_size"]))
        gradient = [0.0, 0.0]
        for source in batch:
            x, y = point(rng, source)
            error = weights[0] * x + weights[1] - y
            gradient = [gradient[0] + 2 * error * x / len(batch), gradient[1] + 2 * error / len(batch)]
        speed = [config["momentum"] * s - rate * g for s, g in zip(speed, gradient, strict=True)]
        weights = [w + s for w, s in zip(weights, speed, strict=True)]
    return weights


parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
rng = random.Random(parser.parse_args().seed)
slope, offset = fit(read("config.yaml"), rng)
held_out = [point(random.Random(n), "clean") for n in range(200)]
print(f"loss: {sum((slope * x + offset - y) ** 2 for x, y in held_out) / len(held_out)}")
