#!/usr/bin/env python3
"""Next-character model: three embedded characters, one hidden layer (Bengio et al. 2003, very small)."""
import argparse
import os
import time

import numpy as np

from corpus import ALPHABET, characters

TRAIN_MODULES = ("argparse", "ast", "inspect")
TEST_MODULE = "pathlib"

hparams = dict(context=3, embed=8, hidden=48, lr=0.5, batch=128, steps=700)


def windows(modules, n):
    ids = np.concatenate([characters(m) for m in modules])
    x = np.lib.stride_tricks.sliding_window_view(ids, n + 1)
    return x[:, :n], x[:, n]


def forward(p, x):
    e = p["emb"][x].reshape(len(x), -1)
    h = np.tanh(e @ p["w1"] + p["b1"])
    z = h @ p["w2"] + p["b2"]
    z -= z.max(1, keepdims=True)
    return e, h, z - np.log(np.exp(z).sum(1, keepdims=True))


def step(p, x, y, lr):
    e, h, logp = forward(p, x)
    d = np.exp(logp)
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    dh = (d @ p["w2"].T) * (1 - h * h)
    de = (dh @ p["w1"].T).reshape(*x.shape, -1)
    p["w2"] -= lr * h.T @ d
    p["b2"] -= lr * d.sum(0)
    p["w1"] -= lr * e.T @ dh
    p["b1"] -= lr * dh.sum(0)
    np.subtract.at(p["emb"], x, lr * de)
    return -logp[np.arange(len(y)), y].mean()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--rng", type=int, default=42, help="random seed")
    args = ap.parse_args()
    rng = np.random.default_rng(args.rng)
    hp, v = hparams, len(ALPHABET)
    p = {
        "emb": rng.normal(0, 0.1, (v, hp["embed"])),
        "w1": rng.normal(0, 0.2, (hp["context"] * hp["embed"], hp["hidden"])),
        "b1": np.zeros(hp["hidden"]),
        "w2": rng.normal(0, 0.2, (hp["hidden"], v)),
        "b2": np.zeros(v),
    }
    x, y = windows(TRAIN_MODULES, hp["context"])
    tx, ty = windows([TEST_MODULE], hp["context"])
    with open("train.log", "a") as log:
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {vars(args)} {hp}", file=log)
        for i in range(hp["steps"]):
            pick = rng.integers(len(x), size=hp["batch"])
            loss = step(p, x[pick], y[pick], hp["lr"])
            if i % 100 == 0:
                print(f"{i:5d} {loss:.4f}", file=log)
    nll = -forward(p, tx)[2][np.arange(len(ty)), ty].mean()
    os.makedirs("./out", exist_ok=True)
    np.savez("./out/params.npz", **p)
    print(f"final: nll {nll:.4f} nats/char")


if __name__ == "__main__":
    main()
