#!/usr/bin/env python3
# MLP in plain numpy: does an identifier name a class, a function or an argument?
import argparse
import ast
import glob
import os
import sysconfig

import numpy as np

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--learning-rate", "--lr", type=float, default=0.1, dest="lr")
parser.add_argument("--hidden", type=int, default=32)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--weight-decay", type=float, default=1e-4)
parser.add_argument("--activation", choices=["relu", "tanh"], default="relu")
parser.add_argument("--val-split", type=float, default=0.2)
parser.add_argument("--seed", type=int, default=123)


def identifiers():
    kinds = {}
    for path in sorted(glob.glob(os.path.join(sysconfig.get_paths()["stdlib"], "[a-f]*.py"))):
        with open(path, "rb") as source:
            tree = ast.parse(source.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                kinds.setdefault(node.name, 0)
            elif isinstance(node, ast.FunctionDef):
                kinds.setdefault(node.name, 1)
            elif isinstance(node, ast.arg):
                kinds.setdefault(node.arg, 2)
    return sorted(kinds.items())


def encode(name):
    """Letters, capitals, first two and last two characters, length."""
    v = np.zeros(5 * 28 + 2)
    code = lambda c: 26 if c == "_" else ord(c.lower()) - 97 if c.isascii() and c.isalpha() else 27
    for c in name:
        v[code(c)] += 0.25
    for slot, c in enumerate((name[0], name[1:2] or "_", name[-2:-1] or "_", name[-1]), start=1):
        v[slot * 28 + code(c)] = 1
    v[-2] = len(name) / 10
    v[-1] = sum(c.isupper() for c in name)
    return v


def act(z, kind):
    return np.maximum(z, 0) if kind == "relu" else np.tanh(z)


def act_grad(h, kind):
    return (h > 0).astype(h.dtype) if kind == "relu" else 1 - h * h


def softmax(z):
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def main():
    args = parser.parse_args()
    rng = np.random.RandomState(args.seed)

    names, labels = zip(*identifiers())
    X, Y = np.array([encode(n) for n in names]), np.array(labels)
    idx = rng.permutation(len(X))
    n_val = int(args.val_split * len(X))
    Xv, Yv, X, Y = X[idx[:n_val]], Y[idx[:n_val]], X[idx[n_val:]], Y[idx[n_val:]]

    W1 = rng.randn(X.shape[1], args.hidden) * np.sqrt(2 / X.shape[1])
    b1 = np.zeros(args.hidden)
    W2 = rng.randn(args.hidden, 3) * np.sqrt(2 / args.hidden)
    b2 = np.zeros(3)

    for epoch in range(1, args.epochs + 1):
        losses = []
        order = rng.permutation(len(X))
        for start in range(0, len(X), args.batch_size):
            rows = order[start : start + args.batch_size]
            x, y = X[rows], Y[rows]
            h = act(x @ W1 + b1, args.activation)
            keep = (rng.rand(*h.shape) >= args.dropout) / (1 - args.dropout)
            p = softmax((h * keep) @ W2 + b2)
            losses.append(-np.log(p[np.arange(len(y)), y] + 1e-12).mean())
            p[np.arange(len(y)), y] -= 1
            p /= len(y)
            dh = (p @ W2.T) * keep * act_grad(h, args.activation)
            W2 -= args.lr * ((h * keep).T @ p + args.weight_decay * W2)
            b2 -= args.lr * p.sum(axis=0)
            W1 -= args.lr * (x.T @ dh + args.weight_decay * W1)
            b1 -= args.lr * dh.sum(axis=0)
        val_acc = (softmax(act(Xv @ W1 + b1, args.activation) @ W2 + b2).argmax(axis=1) == Yv).mean()
        print(f"epoch {epoch}/{args.epochs} - loss: {np.mean(losses):.4f} - val_acc: {val_acc:.4f}")


if __name__ == "__main__":
    main()
