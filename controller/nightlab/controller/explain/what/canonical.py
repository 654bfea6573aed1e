"""A digest of a file that comments and format leave alone: equal digests, equal programs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from nightlab.controller.explain.what.keyed import kind_of, read, words
from nightlab.controller.explain.what.parsing import is_python, parse
from nightlab.controller.explain.what.shape import tokens


def canonical(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return a digest per path; its prefix says what it is of: "python:", "toml:", ..., "bytes:".

    Docstrings, the order of keys and the types of values count.
    """
    return {path: _digest(path, content) for path, content in files.items()}


def _digest(path: str, content: bytes) -> str:
    if is_python(path):
        tree = parse(content).tree
        if tree is not None:
            return f"python:{_sha256(tokens(tree))}"
    elif kind := kind_of(path):
        try:
            return f"{kind}:{_sha256(words(read(kind, content)))}"
        except ValueError:
            pass
    return f"bytes:{hashlib.sha256(content).hexdigest()}"


def _sha256(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode(errors="surrogatepass")
        digest.update(len(raw).to_bytes(8))
        digest.update(raw)
    return digest.hexdigest()
