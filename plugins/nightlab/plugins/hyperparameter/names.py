"""Splits identifiers into the words that the rules speak of: N_LAYERS, nLayers and --n-layers are all (n, layers)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PIECE: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_COMPOUND: Final = {
    "batchsize": ("batch", "size"),
    "blocksize": ("block", "size"),
    "seqlen": ("seq", "len"),
    "maxlen": ("max", "len"),
    "learningrate": ("learning", "rate"),
    "weightdecay": ("weight", "decay"),
    "labelsmoothing": ("label", "smoothing"),
    "droprate": ("drop", "rate"),
    "numlayers": ("n", "layers"),
    "nlayers": ("n", "layers"),
    "nlayer": ("n", "layer"),
    "nhead": ("n", "head"),
    "nheads": ("n", "heads"),
    "numheads": ("n", "heads"),
    "nembd": ("n", "embd"),
    "nhid": ("n", "hidden"),
    "hid": ("hidden",),
    "ninp": ("n", "embd"),
    "dmodel": ("d", "model"),
    "dff": ("d", "ff"),
    "nepochs": ("n", "epochs"),
    "nepoch": ("n", "epoch"),
    "niter": ("n", "iter"),
    "niters": ("n", "iters"),
    "nsteps": ("n", "steps"),
    "maxiter": ("max", "iter"),
    "maxiters": ("max", "iters"),
    "maxsteps": ("max", "steps"),
    "maxnorm": ("max", "norm"),
    "gradclip": ("grad", "clip"),
    "logdir": ("log", "dir"),
    "outdir": ("out", "dir"),
    "datadir": ("data", "dir"),
    "randomseed": ("random", "seed"),
    "warmups": ("warmup",),
    "bsz": ("batch", "size"),
    "bs": ("batch", "size"),
    "wd": ("weight", "decay"),
    "dropouts": ("dropout",),
    "emsize": ("emb", "size"),
    "embsize": ("emb", "size"),
    "lrate": ("lr",),
}


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """Split a name; digits at a word's end are dropped, except in one-letter names (l2, b1), which keep them."""
    found: list[str] = []
    for piece in _PIECE.findall(name):
        if piece.isdigit():
            if found and len(found[-1]) == 1:
                found[-1] += piece
            continue
        lower = piece.lower()
        found.extend(_COMPOUND.get(lower, (lower,)))
    return tuple(found)


def word_set(text: str) -> frozenset[str]:
    """Write a set of words as one text."""
    return frozenset(text.split())
