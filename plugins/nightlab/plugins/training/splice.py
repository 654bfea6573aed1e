"""Edits of one file as replaced stretches of bytes; comments, formatting and line ends around them stay."""

from __future__ import annotations

import ast
import re
from typing import Final

from nightlab.plugins.training.program import Module
from nightlab.sdk import Edits, Unmet

_LINE: Final = re.compile(rb"\r\n|\r|\n")


class Splice:
    """Collects edits of a file and writes them together."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._pieces: dict[tuple[int, int], str] = {}
        ends = [match.end() for match in _LINE.finditer(module.content)]
        self._starts = [3 if module.content.startswith(b"\xef\xbb\xbf") else 0, *ends, len(module.content)]

    @property
    def newline(self) -> str:
        """How lines of the file end."""
        found = _LINE.search(self.module.content)
        return found.group().decode() if found else "\n"

    def replace(self, node: ast.expr, text: str) -> None:
        """Write another expression in a node's place; parentheses around it stay."""
        self.replace_span(*self.module.span(node), text)

    def replace_span(self, start: int, end: int, text: str) -> None:
        """Write text in place of the bytes from start to end."""
        self._pieces[start, end] = self._pieces.get((start, end), "") + text

    def insert_before(self, statement: ast.stmt, text: str) -> None:
        """Write lines before a statement, as deep as it is.

        Raises:
            Unmet: Another statement comes before it on its line.
        """
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
        self._insert(first, text, self.indent(statement))

    def insert_after(self, statement: ast.stmt, text: str) -> None:
        """Write lines after a statement of the same block."""
        indent = self.indent(statement)
        self._insert((statement.end_lineno or statement.lineno) + 1, text, indent)

    def place(self, node: ast.expr | ast.keyword | ast.alias) -> tuple[int, int]:
        """Offsets of a node's first byte and behind its last."""
        first, last = self._starts[node.lineno - 1], self._starts[(node.end_lineno or node.lineno) - 1]
        return first + node.col_offset, last + (node.end_col_offset or 0)

    def own_lines(self, node: ast.expr | ast.keyword) -> tuple[int, int] | None:
        """Offsets of the lines that hold one argument with its comma and nothing else; None if they hold more."""
        start, end = self._lines(node.lineno, node.end_lineno or node.lineno)
        first, last = self.place(node)
        behind = self.module.content[last:end].strip()
        has_comma = behind.startswith(b",") and behind[1:].strip()[:1] in (b"", b"#")
        return (start, end) if has_comma and not self.module.content[start:first].strip() else None

    def replace_alias(self, alias: ast.alias, text: str) -> None:
        """Write another name in an import."""
        self.replace_span(*self.place(alias), text)

    def cut(self, first: ast.alias, last: ast.alias, *, from_end: bool) -> None:
        """Take out what is between two names of an import, with the second (from_end) or the first."""
        (start, end), (next_start, next_end) = self.place(first), self.place(last)
        self.replace_span(*((end, next_end) if from_end else (start, next_start)), "")

    def remove(self, statement: ast.stmt, *, blank_lines: bool = False) -> None:
        """Take out a statement with its lines; a block that it was all of gets `pass`.

        Args:
            statement: It.
            blank_lines: Also take out the blank lines before it.

        Raises:
            Unmet: It shares a line with another one.
        """
        indent = self.indent(statement)
        start, end = self._lines(statement.lineno, statement.end_lineno or statement.lineno)
        parent = self.module.parent(statement)
        blocks = [getattr(parent, name, None) for name in ("body", "orelse", "finalbody")]
        alone = any(isinstance(block, list) and block == [statement] for block in blocks)
        line = statement.lineno - 1
        while blank_lines and line and not self.module.content[slice(*self._lines(line, line))].strip():
            start, line = self._lines(line, line)[0], line - 1
        self.replace_span(start, end, f"{indent}pass{self.newline}" if alone else "")

    def indent(self, statement: ast.stmt) -> str:
        """The white space before a statement.

        Raises:
            Unmet: Something else is before it on its line or behind it.
        """
        start, end = self._lines(statement.lineno, statement.end_lineno or statement.lineno)
        first, last = start + statement.col_offset, self._starts[(statement.end_lineno or 1) - 1]
        before = self.module.content[start:first].decode()
        behind = self.module.content[last + (statement.end_col_offset or 0) : end]
        if before.strip() or (behind.strip() and not behind.strip().startswith(b"#")):
            raise Unmet(f"{self.module.where(statement)} holds several statements in one line")
        return before

    def save(self, ws: Edits) -> None:
        """Write the new file.

        Raises:
            Unmet: Edits meet, or the result is no Python.
        """
        content, done, pieces = self.module.content, 0, []
        for (start, end), text in sorted(self._pieces.items()):
            if start < done:
                raise Unmet(f"{self.module.path}: two edits of this action meet; write its statements apart")
            pieces += [content[done:start], text.encode()]
            done = end
        new = b"".join([*pieces, content[done:]])
        try:
            ast.parse(new)
        except SyntaxError as error:
            raise Unmet(f"{self.module.path}: this action cannot edit line {error.lineno} as it is written") from error
        ws.write(self.module.path, new)

    def _insert(self, line: int, text: str, indent: str) -> None:
        place = self._starts[min(line - 1, len(self._starts) - 1)]
        newline = self.newline
        lines = [(indent + each if each else "") + newline for each in text.split("\n")]
        if place and not self.module.content[:place].endswith((b"\n", b"\r")) and place != self._starts[0]:
            lines.insert(0, newline)
        self.replace_span(place, place, "".join(lines))

    def _lines(self, first: int, last: int) -> tuple[int, int]:
        return self._starts[first - 1], self._starts[min(last, len(self._starts) - 1)]
