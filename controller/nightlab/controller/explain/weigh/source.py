"""One Python file as weighing rules see it: its syntax tree with parents, and the nodes at a place of the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

_LINES: Final = re.compile(r"\r\n|\r|\n")
Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
SCOPES: Final = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
MOST_BYTES: Final = 2 * 2**20
MOST_NODES: Final = 400_000


class Source:
    """A file that parses.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: It does not, or is too large to be looked at.
    """

    def __init__(self, path: str, content: bytes) -> None:
        if len(content) > MOST_BYTES:
            raise ValueError(f"{len(content)} bytes are too many to be weighed")
        self.path = path
        self.content = content
        self.tree = ast.parse(content, path)

    @cached_property
    def lines(self) -> list[str]:
        """Lines without their ends."""
        return _LINES.split(self.content.decode("utf-8-sig", errors="replace"))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes, outer ones first.

        Raises:
            ValueError: There are too many.
        """
        found = list(ast.walk(self.tree))
        if len(found) > MOST_NODES:
            raise ValueError(f"{len(found)} nodes are too many to be weighed")
        return found

    @cached_property
    def _parents(self) -> dict[int, ast.AST]:
        return {id(child): node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def _starts(self) -> dict[tuple[int, int], list[ast.AST]]:
        found: dict[tuple[int, int], list[ast.AST]] = {}
        for node in self.nodes:
            if isinstance(node, (ast.expr, ast.stmt, ast.excepthandler, ast.arg, ast.keyword, ast.alias)):
                found.setdefault((node.lineno, node.col_offset), []).append(node)
        return found

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return what a node stands in."""
        return self._parents.get(id(node))

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node stands in, from the inside."""
        outer = self.parent(node)
        while outer is not None:
            yield outer
            outer = self.parent(outer)

    def at(self, line: int, column: int) -> list[ast.AST]:
        """Return the nodes that start at a place, outer ones first.

        Args:
            line: From 1.
            column: From 1, in code points, as ruff counts.
        """
        if not 1 <= line <= len(self.lines):
            return []
        offset = len(self.lines[line - 1][: column - 1].encode(errors="replace"))
        return self._starts.get((line, offset), [])

    def scope(self, node: ast.AST) -> Scope:
        """Return the function or module whose names a node sees first."""
        return next((outer for outer in self.parents(node) if isinstance(outer, SCOPES)), self.tree)

    def segment(self, line: int, column: int, end_line: int, end_column: int) -> str:
        """Return the text between two places, as ruff counts them; empty if there is none."""
        if not 1 <= line <= end_line <= len(self.lines):
            return ""
        if line == end_line:
            return self.lines[line - 1][column - 1 : end_column - 1]
        first, last = self.lines[line - 1][column - 1 :], self.lines[end_line - 1][: end_column - 1]
        return "\n".join([first, *self.lines[line : end_line - 1], last])


def dotted(node: ast.AST) -> str:
    """Return "a.b.c" of a name or an attribute of names; else empty."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        value = dotted(node.value)
        return f"{value}.{node.attr}" if value else ""
    return ""


def last_part(node: ast.AST) -> str:
    """Return "c" of a.b.c, of f().c too."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def same(one: ast.AST | None, other: ast.AST | None) -> bool:
    """Tell whether two nodes say the same, wherever they stand."""
    if one is None or other is None:
        return one is other
    return ast.dump(one) == ast.dump(other)


def loads(scope: ast.AST, name: str) -> Iterator[ast.Name]:
    """Yield where a name is read below a node, in nested functions too."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            yield node


def stores(scope: ast.AST, name: str) -> Iterator[ast.Name]:
    """Yield where a name is assigned below a node, in nested functions too."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            yield node


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.arg]:
    """Return all parameters."""
    args = function.args
    extra = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope without those of functions and classes in it."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            todo.extend(ast.iter_child_nodes(node))


def end_of(node: ast.AST) -> int:
    """Return the last line of a node."""
    return int(getattr(node, "end_lineno", 0) or getattr(node, "lineno", 0))
