"""One Python file of the user: its tree, what its names mean, and where everything stands.

Reading only; `patch` edits. Everything that is refused names the file and the line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import NoReturn

from nightlab.plugins.hyperparameter.source import Source, dotted
from nightlab.sdk import Unmet

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)


class Script:
    """A parsed file.

    Attributes:
        path: Relative to the workspace.
        source: Its bytes and spans.
        tree: Its syntax tree.
    """

    def __init__(self, source: Source) -> None:
        self.path, self.source, self.tree = source.path, source, source.tree

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes, in the order of the file."""
        order = list(_preorder(self.tree))
        return tuple(order)

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        """All calls, in the order of the file."""
        return tuple(node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """What imported names stand for: {"F": "torch.nn.functional"}."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found |= {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                found |= {a.asname or a.name: f"{base}.{a.name}" for a in node.names}
        return found

    def name(self, node: ast.expr | None) -> str:
        """Write a name with its import resolved: "torch.nn.functional.dropout" of F.dropout; "" for no name."""
        head, dot, rest = dotted(node).partition(".")
        return self.imports.get(head, head) + dot + rest

    def where(self, node: ast.AST) -> str:
        """Return "path:line"."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def refuse(self, node: ast.AST, reason: str) -> NoReturn:
        """Say no because of a place in this file.

        Raises:
            Unmet: Always.
        """
        raise Unmet(f"{self.where(node)}: {reason}", pointer=self.where(node))

    def text(self, node: ast.expr) -> str:
        """The node as written."""
        return self.source.text(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement around a node, or itself."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that holds one."""
        parent = self.parents[statement]
        for _, value in ast.iter_fields(parent):
            if isinstance(value, list) and any(each is statement for each in value):
                return value
        return [statement]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Nodes around a node, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> ast.AST:
        """The function around a node, else the module."""
        return next((each for each in self.around(node) if isinstance(each, _SCOPES)), self.tree)


def _preorder(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk without recursion: nesting is the user's, the stack is ours."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left.extend(reversed(list(ast.iter_child_nodes(node))))


def stored(node: ast.AST) -> set[str]:
    """Names and attribute chains that a node assigns."""
    found = {dotted(e) for e in ast.walk(node) if isinstance(getattr(e, "ctx", None), ast.Store) and _is_name(e)}
    return found - {""}


def loaded(node: ast.AST) -> set[str]:
    """Names and attribute chains that a node reads."""
    found = {dotted(e) for e in ast.walk(node) if isinstance(getattr(e, "ctx", None), ast.Load) and _is_name(e)}
    augmented = (e.target for e in ast.walk(node) if isinstance(e, ast.AugAssign))
    return (found | {dotted(each) for each in augmented}) - {""}


def _is_name(node: object) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)
