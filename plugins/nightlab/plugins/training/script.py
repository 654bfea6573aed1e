"""One Python file of the user, with what the plugins for memory and regularization ask of it besides a `Module`.

Reading only; `patch` edits. Everything that is refused names the file and the line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import NoReturn

from nightlab.plugins.hyperparameter.source import dotted
from nightlab.plugins.training.program import Module
from nightlab.sdk import Unmet

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While


class Script(Module):
    """A parsed file."""

    @cached_property
    def every(self) -> tuple[ast.AST, ...]:
        """All nodes, in the order of the file."""
        return tuple(_preorder(self.tree))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        """All calls, in the order of the file."""
        return tuple(node for node in self.every if isinstance(node, ast.Call))

    def refuse(self, node: ast.AST, reason: str) -> NoReturn:
        """Say no because of a place in this file.

        Raises:
            Unmet: Always.
        """
        raise Unmet(f"{self.where(node)}: {reason}", pointer=self.where(node))

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that holds one."""
        for _, value in ast.iter_fields(self.parent(statement)):
            if isinstance(value, list) and any(each is statement for each in value):
                return value
        return [statement]

    def loop(self, node: ast.AST) -> ast.AST:
        """The innermost loop around a node within its function, else that function or the module."""
        inside = (each for each in self.above(node) if isinstance(each, Loop | Function | ast.Module))
        return next(inside, self.tree)

    def free_name(self, wish: str, near: ast.AST | None = None) -> str:
        """A name that is not in use: the wish, or the wish with underscores behind it.

        Args:
            wish: The name.
            near: Where it will stand; what only other functions use does not matter. None: the whole file counts.
        """
        scope = self.tree if near is None else self.scope(near)
        seen = (node for node in self.every if self.scope(node) is self.tree or scope in (node, *self.above(node)))
        taken = {getattr(node, word, None) for node in seen for word in ("id", "arg", "name")}
        while wish in taken or wish in self.imported:
            wish += "_"
        return wish


def _preorder(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk without recursion: nesting is the user's, the stack is ours."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left.extend(reversed(list(ast.iter_child_nodes(node))))


def stored(node: ast.AST) -> set[str]:
    """Names and attribute chains that a node assigns."""
    return _chains(node, ast.Store)


def loaded(node: ast.AST) -> set[str]:
    """Names and attribute chains that a node reads."""
    augmented = {dotted(each.target) for each in ast.walk(node) if isinstance(each, ast.AugAssign)}
    return (_chains(node, ast.Load) | augmented) - {""}


def _chains(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    named = (each for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute))
    return {dotted(each) for each in named if isinstance(each.ctx, context)} - {""}
