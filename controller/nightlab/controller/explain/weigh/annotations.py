"""Weighs F722 and F821 in strings: the axes of an array in an annotation are no names."""

from __future__ import annotations

import ast
import re
from typing import Final

from nightlab.controller.explain.weigh.source import Source
from nightlab.controller.explain.weigh.weighed import Found, Kept, keep

_SHAPES: Final = re.compile(r"jaxtyping|torchtyping|nptyping|tensor_annotations|beartype")


def not_an_axis(found: Found, source: Source) -> Kept:
    """Drop what is said of `Float[Tensor, "batch dim"]` in a file that imports a library of such annotations."""
    if not any(_SHAPES.search(name) for name in _imported(source)):
        return keep()
    for node in source.nodes:
        if isinstance(node, ast.Subscript) and node.lineno <= found.line <= (node.end_lineno or 0):
            texts = (n for n in ast.walk(node.slice) if isinstance(n, ast.Constant) and isinstance(n.value, str))
            if any(t.lineno == found.line for t in texts):
                return None
    return keep()


def _imported(source: Source) -> list[str]:
    names = []
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names
