"""A Python file as bytes and syntax tree, with exact byte spans, and the value of constant expressions."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any, Final

from nightlab.plugins.hyperparameter.literals import Value

MAX_TEXT: Final = 64
_BOM: Final = b"\xef\xbb\xbf"
_OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}


class Unreadable(Exception):
    """A file cannot be read as what it is; the text says why, the attribute where."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class Source:
    """One parsed Python file.

    Attributes:
        path: Relative to the workspace.
        content: Its bytes.
        tree: Its syntax tree.
    """

    def __init__(self, path: str, content: bytes) -> None:
        self.path, self.content = path, content
        self._base = len(_BOM) if content.startswith(_BOM) else 0
        self.tree = _parse(content)
        starts = [match.end() for match in re.finditer(rb"\r\n|\r|\n", content)]
        self._line_starts = [self._base, *starts]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Offsets of a node's first byte and behind its last."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._line_starts[node.lineno - 1] + node.col_offset
        return start, self._line_starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr) -> str:
        """The node as written."""
        start, end = self.span(node)
        return self.content[start:end].decode()


def _parse(content: bytes) -> ast.Module:
    try:
        content.decode()
        return ast.parse(content, type_comments=False)
    except SyntaxError as error:
        raise Unreadable(f"is not Python that this interpreter reads: {error.msg}", error.lineno or 1) from error
    except (UnicodeDecodeError, ValueError) as error:
        raise Unreadable(f"is not UTF-8 Python: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise Unreadable("is nested too deeply to be read") from error


def constant(node: ast.expr | None) -> Value | None:
    """Return the value of a literal or of arithmetic on number literals; None for anything else or anything huge."""
    if isinstance(node, ast.Constant):
        return _plain(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _number(node.operand)
        return None if value is None else (-value if isinstance(node.op, ast.USub) else value)
    return _arithmetic(node) if isinstance(node, ast.BinOp) else None


def dotted(node: ast.expr | None) -> str:
    """Write a name, attribute chain or string subscript as "a.b.c"; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        base = dotted(node.value)
        return f"{base}.{node.slice.value}" if base else ""
    return ""


def callee(node: ast.Call) -> str:
    """The last part of a called name: "AdamW" of torch.optim.AdamW(...)."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _plain(value: object) -> Value | None:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT and value.isprintable() else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**62) else None


def _number(node: ast.expr) -> int | float | None:
    value = constant(node)
    return None if isinstance(value, bool | str) else value


def _arithmetic(node: ast.BinOp) -> int | float | None:
    left, right = _number(node.left), _number(node.right)
    operation = _OPERATORS.get(type(node.op))
    if left is None or right is None or operation is None:
        return None
    if isinstance(node.op, ast.Pow | ast.LShift) and (abs(right) > 62 or abs(left) > 2**20):
        return None
    try:
        value = operation(left, right)
    except (ArithmeticError, ValueError, TypeError):
        return None
    plain = _plain(value) if isinstance(value, int | float) else None
    return None if isinstance(plain, str) else plain
