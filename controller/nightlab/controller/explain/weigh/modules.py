"""The files of a tree as modules: which file an import means, and what a module defines at its top.

Only the files that were handed over are known; a module that is none of them is unknown, never guessed.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import posixpath
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from nightlab.controller.explain.weigh.source import FUNCTIONS, Source, arguments

_STARS_FOLLOWED: Final = 8
# These print, open windows or take the terminal when they are imported.
_NOT_IMPORTED: Final = frozenset(
    {"antigravity", "this", "idlelib", "turtle", "turtledemo", "tkinter", "test", "lib2to3", "__main__"}
)


class Modules:
    """Files of one tree; each is parsed when it is first asked for."""

    def __init__(self, files: Mapping[str, bytes], paths: Collection[str] = ()) -> None:
        self._files = files
        self._paths = frozenset(paths) | files.keys()
        self._sources: dict[str, Source | None] = {}
        self._bindings: dict[str, Counter[str]] = {}

    def source(self, path: str) -> Source | None:
        """Return a file; None if it is not there or does not parse."""
        if path not in self._sources:
            try:
                self._sources[path] = Source(path, self._files[path])
            except (KeyError, SyntaxError, ValueError, RecursionError, MemoryError):
                self._sources[path] = None
        return self._sources[path]

    def is_ours(self, path: str, module: str, level: int) -> bool:
        """Tell whether an import means a file of the tree, known or not."""
        return bool(self._candidates(path, module, level))

    def find(self, path: str, module: str, level: int = 0) -> Source | None:
        """Return the file that an import in `path` means; None if that is not sure."""
        candidates = self._candidates(path, module, level)
        return self.source(candidates[0]) if len(candidates) == 1 else None

    def names(self, source: Source, left: int = _STARS_FOLLOWED) -> frozenset[str] | None:
        """Return what `from module import *` brings; None if that cannot be known."""
        if _is_dynamic(source):
            return None
        listed = _listed(source)
        if listed is not None:
            return listed
        found = {name for name in self.bindings(source, top=True) if not name.startswith("_")}
        for node in _top(source.tree):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                more = self.star(source.path, node, left - 1) if left else None
                if more is None:
                    return None
                found |= more
        return frozenset(found)

    def star(self, path: str, node: ast.ImportFrom, left: int = _STARS_FOLLOWED) -> frozenset[str] | None:
        """Return what a star import brings; None if it is neither of the tree nor of the standard library."""
        module = node.module or ""
        if self.is_ours(path, module, node.level):
            found = self.find(path, module, node.level)
            return self.names(found, left) if found else None
        return _standard(module) if node.level == 0 else None

    def bindings(self, source: Source, *, top: bool = False) -> Counter[str]:
        """Count how often each name is bound in a file: at its top alone, or in all of its scopes."""
        key = f"{top}:{source.path}"
        if key not in self._bindings:
            nodes = _top(source.tree) if top else iter(source.nodes)
            self._bindings[key] = Counter(name for node in nodes for name in _bound(node))
        return self._bindings[key]

    def _candidates(self, path: str, module: str, level: int) -> list[str]:
        base = module.replace(".", "/")
        here = posixpath.dirname(path)
        if level:
            for _ in range(level - 1):
                here = posixpath.dirname(here)
            starts = [here]
        else:
            starts = list(dict.fromkeys([here, "", "src"]))
        found = []
        for start in starts:
            name = posixpath.join(start, base) if base else start
            found += [p for p in (f"{name}.py", posixpath.join(name, "__init__.py").lstrip("/")) if p in self._paths]
        return list(dict.fromkeys(found))


def _top(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported, without the insides of functions and classes."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        yield from (arg.arg for arg in arguments(node))
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.Global):
        yield from node.names


def _is_dynamic(source: Source) -> bool:
    """Whether a module makes names as it runs, or computes which of them it exports."""
    for node in source.nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"globals", "exec", "setattr"}
        ):
            return True
        if isinstance(node, FUNCTIONS) and node.name == "__getattr__" and source.parent(node) is source.tree:
            return True
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "modules"
            and isinstance(node.value, ast.Name)
            and node.value.id == "sys"
        ):
            return True
    return "__all__" in {name for node in _top(source.tree) for name in _bound(node)} and _listed(source) is None


def _listed(source: Source) -> frozenset[str] | None:
    """Return __all__ where it is a plain list."""
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            with contextlib.suppress(ValueError, TypeError, SyntaxError):
                return frozenset(map(str, ast.literal_eval(node.value)))
            return None
    return None


def _standard(module: str) -> frozenset[str] | None:
    """Return what a module of the standard library brings, by importing it here: none of that is the repo's."""
    head = module.partition(".")[0]
    if head not in sys.stdlib_module_names or head in _NOT_IMPORTED or head.startswith("_"):
        return None
    try:
        found = importlib.import_module(module)
    except Exception:
        return None
    listed = getattr(found, "__all__", None)
    return frozenset(listed if listed is not None else (name for name in vars(found) if not name.startswith("_")))
