from __future__ import annotations

import argparse
from array import array
from dataclasses import dataclass

from spamline import _sgd, dataset


@dataclass
class Options:
    packages: tuple[str, ...] = ("asyncio", "concurrent/futures", "json", "logging")
    buckets: int = 1 << 14
    gram: int = 3
    rate: float = 0.05
    decay: float = 0.8
    l2: float = 1e-5
    epochs: int = 6
    held_out: float = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(prog="spamline.train")
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed

    options = Options()
    train, test = dataset.split(options.packages, options.buckets, options.gram, options.held_out, seed)
    weights = array("d", bytes(8 * options.buckets))
    rate = options.rate
    for epoch in range(options.epochs):
        loss = _sgd.epoch(weights, train.indices, train.offsets, train.labels, rate, options.l2)
        print(f"pass {epoch}  training log loss {loss:.5f}")
        rate *= options.decay
    print(f"held-out log loss  {_sgd.loss(weights, test.indices, test.offsets, test.labels):.5f}")


if __name__ == "__main__":
    main()
