"""One causal attention read-out at the last position, with its gradient written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shaped import Array, Float, Int


def softmax(z: Float[Array, "... n"]) -> Float[Array, "... n"]:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@dataclass
class Params:
    tok: Float[Array, "vocab width"]
    pos: Float[Array, "time width"]
    mix: Float[Array, "width width"]
    out: Float[Array, "width vocab"]
    bias: Float[Array, "vocab"]

    @classmethod
    def init(cls, rng: np.random.Generator, vocab: int, time: int, width: int) -> Params:
        def normal(*shape: int) -> Float[Array, "rows cols"]:
            return rng.normal(0, width**-0.5, shape)

        return cls(normal(vocab, width), normal(time, width), normal(width, width), normal(width, vocab), np.zeros(vocab))

    def arrays(self) -> list[Array]:
        return [self.tok, self.pos, self.mix, self.out, self.bias]


def loss_and_grads(
    p: Params, x: Int[Array, "batch time"], y: Int[Array, "batch"]
) -> tuple[float, list[Array]]:
    rows = np.arange(len(y))
    h: Float[Array, "batch time width"] = p.tok[x] + p.pos
    q: Float[Array, "batch width"] = h[:, -1] @ p.mix
    a: Float[Array, "batch time"] = softmax(np.einsum("bw,btw->bt", q, h))
    r: Float[Array, "batch width"] = np.einsum("bt,btw->bw", a, h) + h[:, -1]
    probs: Float[Array, "batch vocab"] = softmax(r @ p.out + p.bias)
    loss = -np.log(probs[rows, y] + 1e-12).mean()

    dz = probs.copy()
    dz[rows, y] -= 1
    dz /= len(y)
    dr = dz @ p.out.T
    dh = a[:, :, None] * dr[:, None, :]
    da = np.einsum("bw,btw->bt", dr, h)
    ds = a * (da - (a * da).sum(-1, keepdims=True))
    dq = np.einsum("bt,btw->bw", ds, h)
    dh += ds[:, :, None] * q[:, None, :]
    dh[:, -1] += dr + dq @ p.mix.T
    dtok = np.zeros_like(p.tok)
    np.add.at(dtok, x, dh)
    return float(loss), [dtok, dh.sum(0), h[:, -1].T @ dq, r.T @ dz, dz.sum(0)]
