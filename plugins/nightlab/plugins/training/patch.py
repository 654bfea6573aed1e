"""Edits to one file by place: whole lines put in, moved right or replaced, expressions replaced.

Every other byte stays: comments, blank lines, line ends. The result is parsed before it is handed out.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nightlab.plugins.training.script import Script
from nightlab.sdk import Edits, Unmet


class Patch:
    """Edits that are collected, then made at once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._content = script.source.content
        self._lines = self._content.splitlines(keepends=True)
        starts = [0]
        for line in self._lines:
            starts.append(starts[-1] + len(line))
        self._starts = starts
        self._end = "\r\n" if b"\r\n" in self._content else "\n"
        self._edits: list[tuple[int, int, bytes]] = []

    def replace(self, node: ast.expr, text: str) -> None:
        """Put another expression in place of one."""
        start, end = self._script.source.span(node)
        self._edits.append((start, end, text.encode()))

    def before(self, statement: ast.stmt, lines: Sequence[str]) -> None:
        """Put lines above a statement, with its indentation."""
        start, _ = self._whole(statement)
        self._put(start, self.indentation(statement), lines)

    def after(self, statement: ast.stmt, lines: Sequence[str]) -> None:
        """Put lines below a statement, with its indentation."""
        _, end = self._whole(statement)
        self._put(end, self.indentation(statement), lines)

    def instead(self, statement: ast.stmt, lines: Sequence[str]) -> None:
        """Put lines in place of a statement; a comment at its end goes to the line above them."""
        start, end = self._whole(statement)
        assert statement.end_lineno is not None and statement.end_col_offset is not None
        note = self._lines[statement.end_lineno - 1][self._offset(statement.end_lineno, statement.end_col_offset) :]
        told = [note.strip().decode()] if note.strip() else []
        self._edits.append((start, end, b""))
        self._put(start, self.indentation(statement), [*told, *lines])

    def drop(self, statement: ast.stmt) -> None:
        """Remove a statement and its lines."""
        self._edits.append((*self._whole(statement), b""))

    def text(self, statement: ast.stmt) -> list[str]:
        """The lines of a statement without its indentation."""
        self._whole(statement)
        last = statement.end_lineno or statement.lineno
        width = len(self.indentation(statement))
        return [line.decode().rstrip("\r\n")[width:] for line in self._lines[statement.lineno - 1 : last]]

    def shift(self, first: ast.stmt, last: ast.stmt) -> None:
        """Move the lines from one statement to another right by one step of indentation."""
        self._whole(first), self._whole(last)
        kept = self._inside_strings()
        for number in range(first.lineno, (last.end_lineno or last.lineno) + 1):
            start = self._starts[number - 1]
            if number not in kept and self._lines[number - 1].strip():
                self._edits.append((start, start, self.step().encode()))

    def indentation(self, statement: ast.stmt) -> str:
        """White space in front of a statement."""
        offset = self._offset(statement.lineno, statement.col_offset)
        return self._lines[statement.lineno - 1][:offset].decode(errors="replace").lstrip("\ufeff")

    def step(self) -> str:
        """One step of the file's indentation."""
        for node in self._script.nodes:
            body = getattr(node, "body", None)
            if isinstance(body, list) and isinstance(node, ast.stmt) and body[0].lineno > node.lineno:
                return self.indentation(body[0])[len(self.indentation(node)) :] or "    "
        return "    "

    def use(self, module: str) -> str:
        """Make a module of torch reachable and return how it is written here.

        Raises:
            Unmet: The file uses the name `torch` for something else.
        """
        top = [node for node in self._script.tree.body if isinstance(node, ast.Import)]
        for node in top:
            for alias in node.names:
                if alias.name == module:
                    return alias.asname or module
        bound = self._script.imports.get("torch", "torch")
        if bound != "torch" or self._rebinds_torch():
            self._script.refuse(self._script.tree, "the name torch stands for something else")
        self._import(module)
        return module

    def save(self, ws: Edits) -> None:
        """Write the result.

        Raises:
            Unmet: It would not be Python.
        """
        content = self.result()
        try:
            ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Unmet(f"{self._script.path} cannot be edited: {error}", pointer=self._script.path) from error
        ws.write(self._script.path, content)

    def result(self) -> bytes:
        """The file with all edits."""
        content = self._content
        for start, end, text in reversed(sorted(self._edits, key=lambda edit: edit[:2])):
            content = content[:start] + text + content[end:]
        return content

    def _import(self, module: str) -> None:
        body = self._script.tree.body
        head = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        line = f"import {module}"
        plain = [n for n in head if isinstance(n, ast.Import) and any(a.name.split(".")[0] == "torch" for a in n.names)]
        usual = [n for n in head if not (isinstance(n, ast.ImportFrom) and n.module == "__future__")]
        if plain or usual:
            anchor = plain[-1] if plain else next((n for n in usual if isinstance(n, ast.ImportFrom)), usual[-1])
            (self.after if plain else self.before)(anchor, [line])
        elif head or (body and ast.get_docstring(self._script.tree) is not None):
            self.after((head or body)[-1 if head else 0], ["", line])
        else:
            self.before(body[0], [line])

    def _rebinds_torch(self) -> bool:
        return any(
            isinstance(node, ast.Name) and node.id == "torch" and not isinstance(node.ctx, ast.Load)
            for node in self._script.nodes
        )

    def _put(self, at: int, indentation: str, lines: Sequence[str]) -> None:
        text = "".join(f"{indentation}{line}".rstrip() + self._end for line in lines)
        if at and not self._content[:at].endswith((b"\n", b"\r")):
            text = self._end + text
        self._edits.append((at, at, text.encode()))

    def _offset(self, line: int, column: int) -> int:
        """ast counts columns behind a byte order mark."""
        return column + (3 if line == 1 and self._content.startswith(b"\xef\xbb\xbf") else 0)

    def _whole(self, statement: ast.stmt) -> tuple[int, int]:
        """Span of a statement's lines, which hold nothing else."""
        assert statement.end_lineno is not None and statement.end_col_offset is not None
        first, last = self._lines[statement.lineno - 1], self._lines[statement.end_lineno - 1]
        head = first[: self._offset(statement.lineno, statement.col_offset)].removeprefix(b"\xef\xbb\xbf")
        tail = last[self._offset(statement.end_lineno, statement.end_col_offset) :].strip()
        if head.strip() or (tail and not tail.startswith(b"#")):
            self._script.refuse(statement, "several statements share the line; give each its own")
        return self._starts[statement.lineno - 1], self._starts[statement.end_lineno]

    def _inside_strings(self) -> set[int]:
        found: set[int] = set()
        for node in self._script.nodes:
            if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
                found |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
        return found

