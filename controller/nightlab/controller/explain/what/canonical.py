"""A digest of a file that comments and format leave alone: equal digests, equal programs."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping

from nightlab.controller.explain.what.parsing import parse


def canonical(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return a digest per path; its prefix says what it is of: "python:", "toml:", ..., "bytes:"."""
    return {path: _digest(path, content) for path, content in files.items()}


def _digest(path: str, content: bytes) -> str:
    if path.endswith((".py", ".pyi", ".pyw")) and (tree := parse(content).tree) is not None:
        return f"python:{hashlib.sha256(ast.dump(tree).encode(errors='surrogatepass')).hexdigest()}"
    return f"bytes:{hashlib.sha256(content).hexdigest()}"
