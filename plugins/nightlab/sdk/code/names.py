"""What a name stands for: the import that bound it, as far as the scopes of one file tell.

A name that a scope binds in any other way than by one import, or by None where the import failed, is that scope's own.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Final

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
OWN: Final = ""
FALLBACK: Final = "None"


class Names:
    """Names of one file and what they were imported as."""

    def __init__(self, tree: ast.Module, parents: Mapping[ast.AST, ast.AST]) -> None:
        self._tree = tree
        self._parents = parents
        self._bound: dict[ast.AST, dict[str, set[str]]] = {tree: {}}
        self._stars: set[str] = set()
        for node in (tree, *parents):
            self._bind(node)

    def dotted(self, node: ast.expr) -> str:
        """Spell a name with imports resolved ("torch.optim.AdamW"); "?" stands for what is no name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        root = self._root(node, node.id) if isinstance(node, ast.Name) else "?"
        return ".".join([root, *reversed(parts)])

    def scopes(self, node: ast.AST) -> Iterator[Scope]:
        """Yield the scopes around a node, innermost first."""
        inside_function = False
        while node in self._parents:
            node = self._parents[node]
            if isinstance(node, ast.ClassDef) and inside_function:
                continue
            if isinstance(node, Scope):
                yield node
            inside_function = inside_function or isinstance(node, _FUNCTIONS)

    def module_level(self) -> Mapping[str, str]:
        """Imported thing by name, for the names that the module binds by imports alone."""
        found = {name: self._meaning(targets) for name, targets in self._bound[self._tree].items()}
        return {name: target for name, target in found.items() if target != OWN}

    def is_taken(self, name: str) -> bool:
        """Tell whether any scope of the file binds a name, or uses it without binding it."""
        bound = any(name in names for names in self._bound.values())
        return bound or hasattr(builtins, name) or any(isinstance(n, ast.Name) and n.id == name for n in self._parents)

    def means(self, node: ast.AST, name: str, target: str) -> bool:
        """Tell whether a name stands for an import, seen from a node."""
        return self._root(node, name) == target

    def _root(self, node: ast.AST, name: str) -> str:
        for scope in self.scopes(node):
            targets = self._bound.get(scope, {}).get(name)
            if targets:
                return self._meaning(targets) or name
        only = next(iter(self._stars)) if len(self._stars) == 1 else ""
        return f"{only}.{name}" if only and not hasattr(builtins, name) else name

    @staticmethod
    def _meaning(targets: set[str]) -> str:
        imported = targets - {FALLBACK}
        return next(iter(imported)) if len(imported) == 1 else OWN

    def _bind(self, node: ast.AST) -> None:
        for name, target in _bindings(node):
            scope = next(self.scopes(node), self._tree)
            meaning = FALLBACK if self._is_fallback(node) else target
            self._bound.setdefault(scope, {}).setdefault(name, set()).add(meaning)
        if isinstance(node, ast.ImportFrom) and not node.level and node.names[0].name == "*":
            self._stars.add(node.module or "")
        if isinstance(node, ast.Global):
            self._bound.setdefault(self._tree, {}).update({name: {OWN} for name in node.names})

    def _is_fallback(self, node: ast.AST) -> bool:
        parent = self._parents.get(node)
        value = parent.value if isinstance(parent, ast.Assign) else node
        return isinstance(value, ast.Constant) and value.value is None

    def bindings_of(self, name: str) -> set[str]:
        """Return what the module binds a name to: imported things, and "" for its own."""
        return self._bound[self._tree].get(name, set())


def _bindings(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (first, first)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        between = "" if module.endswith(".") else "."
        yield from ((alias.asname or alias.name, f"{module}{between}{alias.name}") for alias in node.names)
    else:
        yield from ((name, OWN) for name in _own(node))


def _own(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
