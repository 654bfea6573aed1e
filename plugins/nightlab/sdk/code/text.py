"""The text of one Python file with its syntax tree, and the edits that an action asks of it.

Finding uses the syntax tree of the standard library; edits are spans of the text, so every byte that none of them
names stays as it is: comments, format, line ends. Nothing changes before `save`.
"""

from __future__ import annotations

import ast
import bisect
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from nightlab.sdk.action import Unmet
from nightlab.sdk.code.lines import indent_unit, line_break, line_starts
from nightlab.sdk.code.names import Names
from nightlab.sdk.code.splices import Conflict, Span, Splices
from nightlab.sdk.edits import Edits

MAX_BYTES: Final = 1 << 20
_BOM: Final = "\ufeff"
_TOO_DEEP: Final = "is nested too deeply to be read"


class Text:
    """A file's text, its syntax tree and the edits asked for; the base of `Source`.

    Attributes:
        path: Where the file is in the workspace; names it in messages.
        tree: Its syntax tree. Read it, never change it.
        edits: What was asked for so far, by offsets in bytes.
        parents: Parent of every node outside of f-strings.
        added: Imports that were asked for, as statements.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._bom = _BOM if text.startswith(_BOM) else ""
        self._text = text.removeprefix(_BOM)
        self.content = self._text.encode()
        self.tree = _parsed(path, self._text)
        self.edits = Splices(self.content)
        self._starts = line_starts(self.content)
        self.parents = _parents(self.tree)
        self.added: set[str] = set()

    @cached_property
    def names(self) -> Names:
        """What names stand for."""
        return Names(self.tree, self.parents)

    @cached_property
    def unit(self) -> str:
        """One level of indentation."""
        return indent_unit(self._text)

    @cached_property
    def ending(self) -> str:
        """The line break."""
        return line_break(self.content)

    def render(self) -> str:
        """Return the text with all edits.

        Raises:
            Unmet: Two edits want the same place, or the result is no Python.
        """
        try:
            new = self.edits.render().decode()
        except Conflict as conflict:
            line = bisect.bisect_right(self._starts, conflict.at)
            raise self._unmet("two edits want the same place", line, "save, read again, then edit") from None
        except RecursionError:
            raise self._unmet(f"{self.path} {_TOO_DEEP}") from None
        _parsed(self.path, new, edited=True)
        return self._bom + new

    def save(self, ws: Edits) -> None:
        """Write the text with all edits into a workspace; positions found before are of no use after that.

        Raises:
            Unmet: Two edits want the same place, or the result is no Python.
        """
        if self.edits:
            ws.write(self.path, self.render())

    def at(self, node: ast.AST) -> str:
        """Name a place for people: "train.py:12"."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def unmet(self, summary: str, node: ast.AST | None = None, detail: str = "") -> Unmet:
        """Make the error that says why this file does not fit; raise it."""
        return self._unmet(summary, getattr(node, "lineno", 1), detail)

    def text_of(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node, as it is written."""
        start, end = self.span(node)
        return self.content[start:end].decode()

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> Span:
        """Return where a node is: start and end in bytes."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def line_span(self, first: int, last: int) -> Span:
        """Return where whole lines are, numbered from 1: start and end in bytes, with the last line break."""
        end = self._starts[last] if last < len(self._starts) else len(self.content)
        return self._starts[first - 1], end

    def replace(self, node: ast.expr, expression: str) -> None:
        """Put an expression in place of another one."""
        self.edits.replace(self.span(node), expression.encode())

    def walk(self) -> Iterator[ast.AST]:
        """Yield all nodes in the order of the text, without what is inside of an f-string."""
        yield from (self.tree, *self.parents)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what is around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def _unmet(self, summary: str, line: int = 1, detail: str = "") -> Unmet:
        return Unmet(summary, detail=detail, pointer=f"{self.path}:{line}")


def _parsed(path: str, text: str, *, edited: bool = False) -> ast.Module:
    if len(text) > MAX_BYTES:
        raise Unmet(f"{path} is larger than {MAX_BYTES} bytes", pointer=path)
    try:
        return ast.parse(text)
    except SyntaxError as error:
        what = "the edited file" if edited else path
        raise Unmet(f"{what} is no Python: {error.msg}", pointer=f"{path}:{error.lineno or 1}") from None
    except (RecursionError, MemoryError):
        raise Unmet(f"{path} {_TOO_DEEP}", pointer=f"{path}:1") from None
    except ValueError as error:
        raise Unmet(f"{path} is no Python: {error}", pointer=f"{path}:1") from None


def _parents(tree: ast.Module) -> dict[ast.AST, ast.AST]:
    """Parent of every node, in the order of the text. Positions inside of f-strings are wrong before Python 3.12."""
    parents: dict[ast.AST, ast.AST] = {}
    left: list[tuple[ast.AST, ast.AST]] = [(child, tree) for child in reversed(tree.body)]
    while left:
        node, parent = left.pop()
        if isinstance(node, ast.expr_context | ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
            continue
        parents[node] = parent
        if not isinstance(node, ast.JoinedStr):
            left.extend((child, node) for child in reversed(list(ast.iter_child_nodes(node))))
    return parents
