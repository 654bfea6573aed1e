"""Pieces of a program as short text: literals by value, expressions on one line, blocks by their head."""

from __future__ import annotations

import ast
from typing import Any, Final

from nightlab.controller.explain.what.shape import weight

WIDTH: Final = 70
HEAVY: Final = 500
SHORT_BLOCK: Final = 60
_LEAD: Final = 20
_BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")


def literal(node: ast.AST | None) -> str | None:
    """Return a number, string, bytes, bool, None or ... as written in Python; None for anything else."""
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = node.operand
        if isinstance(inner, ast.Constant) and type(inner.value) in (int, float, complex):
            return ("-" if isinstance(node.op, ast.USub) else "+") + _constant(inner.value)
    return None


def shown(node: ast.AST) -> str:
    """Return an expression or statement on one line, whole; a heavy one only by its kind."""
    if isinstance(node, ast.stmt) and weight(node) > SHORT_BLOCK:
        node = _head(node)
    if weight(node) > HEAVY:
        return f"({_kind(node)} of {weight(node):,} words)"
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        return f"({_kind(node)})"
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def clipped(text: str, width: int = WIDTH) -> str:
    """Return a text that is at most some characters wide."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def pair(old: str, new: str, width: int = WIDTH) -> tuple[str, str]:
    """Clip two texts so that their first difference is seen."""
    if max(len(old), len(new)) <= width:
        return old, new
    common = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = common - _LEAD if common > width // 2 else 0
    lead = "…" if start else ""
    return lead + clipped(old[start:], width), lead + clipped(new[start:], width)


def quoted(node: ast.AST) -> str:
    """Return a node in backticks, clipped."""
    return f"`{clipped(shown(node))}`"


def became(old: ast.AST, new: ast.AST) -> str:
    """Return "`x == None` became `x is None`"."""
    one, other = pair(shown(old), shown(new))
    return f"`{one}` became `{other}`"


def callee(call: ast.Call) -> str:
    """Return what a call calls: "torch.optim.AdamW"."""
    return clipped(shown(call.func), 40)


def _constant(value: Any) -> str:
    if type(value) is int and value.bit_length() > 256:
        return f"an integer of {value.bit_length():,} bits"
    if isinstance(value, float) and value == int(value if abs(value) < 1e16 else 0) and abs(value) >= 1e15:
        return f"{value:g}"
    return repr(value)


def _head(node: ast.stmt) -> ast.stmt:
    """Return a copy of a block with `...` in place of what stands in it."""
    fields = dict(ast.iter_fields(node))
    if "body" not in fields:
        return node
    fields |= {name: [] for name in _BLOCKS if name in fields}
    fields["body"] = [ast.Expr(ast.Constant(...))]
    if isinstance(node, ast.Try):
        fields["finalbody"] = [ast.Expr(ast.Constant(...))]
    if isinstance(node, ast.Match):
        return ast.copy_location(ast.Expr(ast.Name(f"match {clipped(shown(node.subject), 30)}: ...")), node)
    return ast.fix_missing_locations(ast.copy_location(type(node)(**fields), node))


def _kind(node: ast.AST) -> str:
    return type(node).__name__.lower()
