"""The shape of a syntax tree: what is left of a source when format, comments and positions are gone.

Nothing here recurses, so that depth costs no stack.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

# "kind" is the u of u"text"; type comments are comments.
_SKIPPED: Final = frozenset({"kind", "type_comment", "type_ignores"})


def tokens(root: ast.AST, *, docstrings: bool = True) -> Iterator[str]:
    """Yield a tree as words. Two trees that give the same words are the same program.

    Args:
        root: A tree.
        docstrings: Whether they count.
    """
    stack: list[Any] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.AST):
            yield type(item).__name__
            first = None if docstrings else docstring(item)
            fields = (getattr(item, field, None) for field in reversed(item._fields) if field not in _SKIPPED)
            stack.extend(field[1:] if first is not None and field and field is item.body else field for field in fields)  # type: ignore[attr-defined]
        elif isinstance(item, list):
            yield f"[{len(item)}"
            stack.extend(reversed(item))
        else:
            yield _leaf(item)


def same(old: ast.AST, new: ast.AST, *, docstrings: bool = True) -> bool:
    """Tell whether two trees are the same, exactly; docstrings aside, where they do not count."""
    pairs = zip_longest(tokens(old, docstrings=docstrings), tokens(new, docstrings=docstrings))
    return all(one == other for one, other in pairs)


def docstring(node: ast.AST) -> ast.Constant | None:
    """Return the docstring of a module, class or function; None for anything else or without one."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
        return None
    first = node.body[0]
    found = first.value if isinstance(first, ast.Expr) else None
    return found if isinstance(found, ast.Constant) and isinstance(found.value, str) else None


def fingerprint(node: ast.AST) -> int:
    """Return a hash of the shape; kept with the node."""
    return _measured(node)[0]


def weight(node: ast.AST) -> int:
    """Return how many words a node's shape has; kept with the node."""
    return _measured(node)[1]


def _measured(node: ast.AST) -> tuple[int, int]:
    kept: tuple[int, int] | None = node.__dict__.get("nightlab_shape")
    if kept is None:
        words = tuple(tokens(node))
        kept = node.__dict__["nightlab_shape"] = (hash(words), len(words))
    return kept


def _leaf(value: Any) -> str:
    # A long integer has no decimal form within Python's limits, but always a hexadecimal one.
    return f"int:{value:x}" if type(value) is int else f"{type(value).__name__}:{value!r}"
