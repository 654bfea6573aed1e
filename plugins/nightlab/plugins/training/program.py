"""Python files of a workspace and what an analysis asks of them: what holds what, what an imported name stands for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from nightlab.plugins.hyperparameter.reach import counts, reachable
from nightlab.plugins.hyperparameter.source import Source, Unreadable, dotted
from nightlab.sdk import Edits, Unmet

READS: Final = ("**/*.py", "**/*.sh")
WRITES: Final = ("**/*.py",)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Node = TypeVar("Node", bound=ast.AST)


class Module(Source):
    """One Python file that the training command reaches.

    Attributes:
        imported: What names stand for, by local name: {"F": "torch.nn.functional"}.
        top_imports: The part of `imported` that is bound at the top level of the file.
    """

    def __init__(self, path: str, content: bytes) -> None:
        super().__init__(path, content)
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.imported = _imports(ast.walk(self.tree))
        self.top_imports = _imports(iter(self.tree.body))

    def nodes(self, kind: type[Node]) -> Iterator[Node]:
        """All nodes of a kind, in the order of the file."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, kind)]
        return iter(sorted(found, key=lambda each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0))))

    def parent(self, node: ast.AST) -> ast.AST:
        """The node that holds one; the file's tree holds itself."""
        return self._parents.get(node, self.tree)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Everything that holds a node, innermost first."""
        while node in self._parents:
            node = self._parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is in."""
        return next(each for each in (node, *self.above(node)) if isinstance(each, ast.stmt))

    def scope(self, node: ast.AST) -> ast.AST:
        """The function that a node is in, else the file's tree."""
        return next((each for each in self.above(node) if isinstance(each, Function)), self.tree)

    def qualified(self, node: ast.AST | None) -> str:
        """Write a name with its imports resolved: "torch.optim.AdamW" of `optim.AdamW`; empty for no name."""
        head, dot, rest = dotted(node if isinstance(node, ast.expr) else None).partition(".")
        return self.imported.get(head, head) + dot + rest

    def where(self, node: ast.AST) -> str:
        """Place of a node as "path:line"."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def loads(self, name: str, scope: ast.AST | None = None) -> list[ast.Name]:
        """Uses of a name, in a scope or the whole file."""
        inside = ast.walk(scope or self.tree)
        return [each for each in inside if isinstance(each, ast.Name) and each.id == name and _is_load(each)]

    def stores(self, name: str, scope: ast.AST | None = None) -> list[ast.Name]:
        """Assignments of a name, in a scope or the whole file."""
        inside = ast.walk(scope or self.tree)
        return [each for each in inside if isinstance(each, ast.Name) and each.id == name and not _is_load(each)]


def modules(ws: Edits, settings: Mapping[str, Any]) -> list[Module]:
    """Read the files that the training command reaches, by path.

    Raises:
        Unmet: There is none, or one that counts cannot be read.
    """
    found, unread = {}, {}
    for path in ws.paths():
        if path.endswith(".py") and (counts(path) or path in ws.entry_points):
            try:
                found[path] = Module(path, ws.read(path))
            except Unreadable as error:
                unread[path] = error
    scripts = {path: ws.read(path).decode(errors="replace") for path in ws.paths() if path.endswith(".sh")}
    used = reachable(ws.paths(), found, scripts, ws.entry_points, tuple(settings.get("relevant", ())))
    for path in sorted(used & unread.keys()):
        raise Unmet(f"{path} {unread[path]}", pointer=f"{path}:{unread[path].line}")
    if not used & found.keys():
        raise Unmet("the workspace has no Python file that the training command reaches")
    return [found[path] for path in sorted(used & found.keys())]


def is_optimizer_class(module: Module, node: ast.ClassDef) -> bool:
    """Tell whether a class is a kind of torch's Optimizer."""
    bases = [module.qualified(base) for base in node.bases]
    return any(base.endswith("Optimizer") or base.startswith("torch.optim.") for base in bases)


def leaves_unused(module: Module, value: ast.AST) -> str:
    """Name a local variable whose only use is in a value, so that a linter would call it unused without that."""
    scope = module.scope(value)
    if not isinstance(scope, Function):
        return ""
    for name in sorted({each.id for each in ast.walk(value) if isinstance(each, ast.Name)}):
        if module.stores(name, scope) and len(module.loads(name, scope)) == len(module.loads(name, value)):
            return name
    return ""


def _imports(nodes: Iterator[ast.AST]) -> dict[str, str]:
    names = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            names |= {alias.asname or alias.name: f"{prefix}.{alias.name}" for alias in node.names}
    return names


def _is_load(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)
