"""A statement of a file: lines put before or behind it, other lines in its place, a `with` around it."""

from __future__ import annotations

import ast

from nightlab.sdk.code.lines import indented, shaped
from nightlab.sdk.code.splices import AFTER, BEFORE, Span
from nightlab.sdk.code.text import Text

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Statement:
    """One statement, simple or compound, with the lines that it has for itself.

    Attributes:
        node: Its syntax tree.
    """

    def __init__(self, source: Text, node: ast.stmt) -> None:
        self._source = source
        self.node = node

    @property
    def line(self) -> int:
        """Number of its first line, that of its first decorator if it has any."""
        decorators: list[ast.expr] = getattr(self.node, "decorator_list", [])
        return min([self.node.lineno, *(each.lineno for each in decorators)])

    @property
    def name(self) -> str:
        """Name of a function or class; empty for another statement."""
        return getattr(self.node, "name", "")

    @property
    def block(self) -> list[Statement]:
        """Statements of its own block, those below `for`, `with`, `def`; without those of `else`."""
        return [Statement(self._source, node) for node in getattr(self.node, "body", [])]

    @property
    def siblings(self) -> list[Statement]:
        """Statements of the block that it is in, itself among them."""
        return [Statement(self._source, node) for node in _block_of(self._source, self.node)]

    @property
    def parent(self) -> Statement | None:
        """The compound statement around it; None at module level."""
        around = self._source.around(self.node)
        return next((Statement(self._source, node) for node in around if isinstance(node, ast.stmt)), None)

    @property
    def targets(self) -> list[str]:
        """Names that it assigns, as they are written: `self.opt, x = ...` gives ["self.opt", "x"]."""
        node = self.node
        given = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        flat = [part for each in given for part in (each.elts if isinstance(each, ast.Tuple | ast.List) else [each])]
        return [ast.unparse(each) for each in flat if isinstance(each, ast.Name | ast.Attribute | ast.Subscript)]

    def before(self, lines: str) -> None:
        """Put lines above it, with its indentation.

        Raises:
            Unmet: It shares its line with something before it.
        """
        self._insert(lines, at_end=False)

    def after(self, lines: str) -> None:
        """Put lines below it and all of its block, with its indentation.

        Raises:
            Unmet: It shares its last line with another statement.
        """
        self._insert(lines, at_end=True)

    def replace(self, lines: str) -> None:
        """Put other lines in its place, with its indentation; a comment behind it goes.

        Raises:
            Unmet: It shares a line with another statement.
        """
        span, prefix = self.lines()
        self._source.edits.replace(span, shaped(lines, prefix, self._source.ending).encode())

    def remove(self) -> None:
        """Remove it, or write `pass` in its place where it is alone in its block.

        Raises:
            Unmet: It shares a line with another statement.
        """
        if len(self.siblings) > 1 or self.parent is None:
            self._source.edits.replace(self.lines()[0], b"")
        else:
            self.replace("pass")

    def wrap(self, header: str, last: Statement | None = None) -> None:
        """Put it, and what follows up to another statement of its block, below a header such as "with lock:".

        Lines put before or behind the whole run stay outside; those put between its statements go inside.

        Raises:
            Unmet: They are not of one block, or share a line with another statement.
        """
        end = last or self
        if end.node not in _block_of(self._source, self.node) or end.line < self.line:
            raise self._source.unmet("these statements are not of one block", end.node)
        first_span, prefix = self.lines()
        span = first_span[0], end.lines()[0][1]
        head = shaped(header, prefix, self._source.ending).encode()
        unit = self._source.unit
        self._source.edits.rework(span, lambda inside: head + indented(inside.decode(), unit).encode())

    def _insert(self, lines: str, *, at_end: bool) -> None:
        span, prefix = self.lines()
        new = shaped(lines, prefix, self._source.ending)
        if at_end and not self._source.content[: span[1]].endswith((b"\n", b"\r")):
            new = self._source.ending + new.removesuffix(self._source.ending)
        at, rank = (span[1], AFTER) if at_end else (span[0], BEFORE)
        self._source.edits.insert(at, new.encode(), span, rank)

    def lines(self) -> tuple[Span, str]:
        """Return the span of its whole lines in bytes, and the blanks before it.

        Raises:
            Unmet: It shares a line with another statement.
        """
        first, end = self._source.span(self.node)
        span = self._source.line_span(self.line, self.node.end_lineno or self.line)
        text = self._source.content[span[0] : span[1]].decode()
        prefix = text[: len(text) - len(text.lstrip(" \t\x0c"))]
        before = self._source.content[span[0] : first] if self.line == self.node.lineno else b""
        rest = self._source.content[end : span[1]].strip()
        if before.strip() or (rest and not rest.startswith(b"#")):
            raise self._source.unmet(
                "this statement shares its line with another one", self.node, "give each statement a line of its own"
            )
        return span, prefix


def statement_of(source: Text, node: ast.AST) -> Statement:
    """Return the innermost statement that a node is in; for one in the head of an `elif`, the whole `if`."""
    for each in (node, *source.around(node)):
        if isinstance(each, ast.stmt) and not _is_elif(source, each):
            return Statement(source, each)
    raise source.unmet("this is in no statement", node)


def loops_around(source: Text, node: ast.AST) -> list[Statement]:
    """Return the loops that a node is in, innermost first, up to the function that it is in."""
    found = []
    for each in source.around(node):
        if isinstance(each, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            break
        if isinstance(each, _LOOPS):
            found.append(Statement(source, each))
    return found


def function_around(source: Text, node: ast.AST) -> Statement | None:
    """Return the innermost function that a node is in; None at module level."""
    return next((Statement(source, each) for each in source.around(node) if isinstance(each, _FUNCTIONS)), None)


def _is_elif(source: Text, node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and source.text_of(node).startswith("elif")


def _block_of(source: Text, node: ast.stmt) -> list[ast.stmt]:
    parent = source.parents[node]
    blocks = [value for value in vars(parent).values() if isinstance(value, list) and node in value]
    return blocks[0] if blocks else [node]
