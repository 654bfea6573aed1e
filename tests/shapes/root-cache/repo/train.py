import os

import numpy as np

SEED = 0
LR = 0.3
L2 = 1e-4
EPOCHS = 8
BATCH = 256

cache = os.path.expanduser("~/.cache/blockstart/lines.npz")
if not os.path.exists(cache):
    raise SystemExit(f"{cache} is missing; run fetch.py first")
with np.load(cache) as archive:
    x, y = np.log1p(archive["x"]), archive["y"].astype(np.float32)

rng = np.random.default_rng(SEED)
order = rng.permutation(len(x))
x, y = x[order], y[order]
split = int(0.8 * len(x))
w, b = np.zeros(x.shape[1]), 0.0

for epoch in range(EPOCHS):
    for i in range(0, split, BATCH):
        xb, yb = x[i : min(i + BATCH, split)], y[i : min(i + BATCH, split)]
        p = 1 / (1 + np.exp(-(xb @ w + b)))
        w -= LR * (xb.T @ (p - yb) / len(xb) + L2 * w)
        b -= LR * (p - yb).mean()
    train_acc = (((x[:split] @ w + b) > 0) == (y[:split] > 0.5)).mean()
    print(f"epoch {epoch + 1}: train accuracy = {train_acc:.4f}")

val_acc = (((x[split:] @ w + b) > 0) == (y[split:] > 0.5)).mean()
print(f"val accuracy = {val_acc:.4f}")
