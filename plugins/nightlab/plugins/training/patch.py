"""Edits of whole statements on top of `Splice`: lines put in, moved right or replaced; modules of torch imported."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from nightlab.plugins.training.imports import import_torch, torch_name
from nightlab.plugins.training.script import Script
from nightlab.plugins.training.splice import Splice


class Patch(Splice):
    """Edits that are collected, then made at once."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._script = script

    def before(self, statement: ast.stmt, lines: Sequence[str]) -> None:
        """Put lines above a statement, with its indentation."""
        self.insert_before(statement, "\n".join(lines))

    def after(self, statement: ast.stmt, lines: Sequence[str]) -> None:
        """Put lines below a statement, with its indentation."""
        self.insert_after(statement, "\n".join(lines))

    def instead(self, statement: ast.stmt, lines: Sequence[str]) -> None:
        """Put lines in place of a statement; a comment at its end goes to the line above them."""
        indent, last = self.indent(statement), statement.end_lineno or statement.lineno
        start, end = self._lines(statement.lineno, last)
        column = self._lines(last, last)[0] + (statement.end_col_offset or 0)
        note = self._script.content[column:end].strip().decode()
        written = [f"{indent}{line}{self.newline}" for line in (note, *lines) if line]
        self.replace_span(start, end, "".join(written))

    def text(self, statement: ast.stmt) -> list[str]:
        """The lines of a statement without its indentation."""
        width = len(self.indent(statement))
        start, end = self._lines(statement.lineno, statement.end_lineno or statement.lineno)
        return [line[width:] for line in self._script.content[start:end].decode().splitlines()]

    def shift(self, first: ast.stmt, last: ast.stmt, *, without: Collection[ast.stmt] = ()) -> None:
        """Move the lines from one statement to another right by one step of indentation.

        Args:
            first: Its first line is the first that moves.
            last: Its last line is the last that moves.
            without: Statements between them that stay where they are.
        """
        self.indent(first), self.indent(last)
        kept = self._inside_strings()
        kept |= {line for each in without for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)}
        for number in range(first.lineno, (last.end_lineno or last.lineno) + 1):
            start, end = self._lines(number, number)
            if number not in kept and self._script.content[start:end].strip():
                self.replace_span(start, start, self.step())

    def step(self) -> str:
        """One step of the file's indentation."""
        for node in self._script.every:
            body = getattr(node, "body", None)
            if isinstance(body, list) and isinstance(node, ast.stmt) and body[0].lineno > node.lineno:
                return self.margin(body[0])[len(self.margin(node)) :] or "    "
        return "    "

    def margin(self, node: ast.stmt | ast.expr) -> str:
        """White space at the beginning of a node's first line."""
        start, end = self._lines(node.lineno, node.lineno)
        line = self._script.content[start:end].decode()
        return line[: len(line) - len(line.lstrip())]

    def use(self, module: str) -> str:
        """Make torch or one of its modules reachable and return how it is written here.

        Raises:
            Unmet: The file uses the name `torch` for something else.
        """
        known = next((name for name, full in self._script.top_imports.items() if full == module), None)
        if known or (module == "torch" and (known := torch_name(self._script))):
            return known
        if any(module in _plainly(node) for node in self._script.tree.body):
            return module
        self._refuse_other_torch()
        if module == "torch":
            import_torch(self)
        else:
            self._import(module)
        return module

    def _import(self, module: str) -> None:
        """Import a module behind the last plain import of torch, else where torch itself would go."""
        plain = [each for each in self._script.tree.body if isinstance(each, ast.Import) and _is_torch(each)]
        if plain:
            self.after(plain[-1], [f"import {module}"])
            return
        head = [each for each in self._script.tree.body if isinstance(each, ast.ImportFrom)]
        usual = [each for each in head if each.module != "__future__"]
        if not usual:
            self._script.refuse(self._script.tree, "nothing is imported at the top level")
        of_torch = [each for each in usual if (each.module or "").partition(".")[0] == "torch"]
        self.before((of_torch or usual)[0], [f"import {module}"])

    def _refuse_other_torch(self) -> None:
        if self._script.imported.get("torch", "torch") != "torch" or self._script.stores("torch"):
            self._script.refuse(self._script.tree, "the name torch stands for something else")

    def _inside_strings(self) -> set[int]:
        found: set[int] = set()
        for node in self._script.every:
            if isinstance(node, ast.JoinedStr) or (
                isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
            ):
                found |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
        return found


def _is_torch(statement: ast.Import) -> bool:
    return any(alias.name.partition(".")[0] == "torch" for alias in statement.names)


def _plainly(statement: ast.stmt) -> list[str]:
    """Modules that a statement imports by their own name."""
    names = statement.names if isinstance(statement, ast.Import) else []
    return [alias.name for alias in names if alias.asname is None]
