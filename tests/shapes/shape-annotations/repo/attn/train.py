from __future__ import annotations

import io
import sysconfig
import token
import tokenize
from pathlib import Path

import numpy as np

from .config import TrainConfig
from .model import Params, loss_and_grads
from .shaped import Array, Float, Int

MODULES = "argparse ast dataclasses enum inspect pathlib tarfile typing".split()


def token_kinds(name: str) -> Int[Array, "time"]:
    source = Path(sysconfig.get_paths()["stdlib"], f"{name}.py").read_text(encoding="utf-8")
    return np.array([t.exact_type for t in tokenize.generate_tokens(io.StringIO(source).readline)])


def batch_of(
    kinds: Int[Array, "time"], starts: Int[Array, "batch"], context: int
) -> tuple[Int[Array, "batch context"], Int[Array, "batch"]]:
    chunk = kinds[starts[:, None] + np.arange(context + 1)]
    return chunk[:, :-1], chunk[:, -1]


def clipped(grads: list[Float[Array, "..."]], limit: float) -> list[Float[Array, "..."]]:
    norm = np.sqrt(sum((g * g).sum() for g in grads))
    return [g * min(1.0, limit / norm) for g in grads]


def main(cfg: TrainConfig) -> None:
    rng = np.random.default_rng(cfg.seed)
    *train_parts, val = [token_kinds(name) for name in MODULES]
    train = np.concatenate(train_parts)
    params = Params.init(rng, len(token.tok_name), cfg.context, cfg.width)
    for step in range(cfg.steps):
        x, y = batch_of(train, rng.integers(len(train) - cfg.context, size=cfg.batch), cfg.context)
        loss, grads = loss_and_grads(params, x, y)
        for array, grad in zip(params.arrays(), clipped(grads, cfg.clip)):
            array -= cfg.learning_rate * grad
        if step % 50 == 0:
            print(f"step={step} loss={loss:.4f}")
    x, y = batch_of(val, np.arange(0, len(val) - cfg.context, 7), cfg.context)
    print(f"val_loss={loss_and_grads(params, x, y)[0]:.4f}")


if __name__ == "__main__":
    main(TrainConfig())
