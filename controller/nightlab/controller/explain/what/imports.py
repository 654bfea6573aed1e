"""Imports of one block: which names come from where, added, removed, or now from somewhere else."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nightlab.controller.explain.what.notes import Notes, Rank
from nightlab.controller.explain.what.shape import fingerprint


@dataclass(frozen=True, slots=True)
class Imported:
    """One name that an import brings.

    Attributes:
        module: Dots of a relative import included; of `import a.b`, "a.b".
        name: What is taken from it; empty for the module itself.
        bound: The name in this file.
        line: Of the statement.
    """

    module: str
    name: str
    bound: str
    line: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same import wherever it stands."""
        return (self.module, self.name, self.bound)

    def __str__(self) -> str:
        """Return "import of `b` from `a` as `c`"."""
        if self.name == "*" or self.module == "__future__":
            return f"`from {self.module} import {self.name}`"
        plain = self.name or (self.module if self.bound != self.module.partition(".")[0] else self.bound)
        as_bound = f" as `{self.bound}`" if plain.partition(".")[0] != self.bound else ""
        return f"import of `{self.name or self.module}`{f' from `{self.module}`' if self.name else ''}{as_bound}"


def imported(statements: Sequence[ast.stmt]) -> list[Imported]:
    """Return what the imports among some statements bring, in order."""
    return [each for statement in statements for each in _names(statement)]


def _names(statement: ast.stmt) -> list[Imported]:
    line = getattr(statement, "lineno", 1)
    if isinstance(statement, ast.Import):
        names = ((each.name, each.asname or each.name.partition(".")[0]) for each in statement.names)
        return [Imported(name, "", bound, line) for name, bound in names]
    if isinstance(statement, ast.ImportFrom):
        module = module_of(statement)
        return [Imported(module, each.name, each.asname or each.name, line) for each in statement.names]
    return []


def module_of(statement: ast.ImportFrom) -> str:
    """Return ".model" for `from .model import x`."""
    return "." * statement.level + (statement.module or "")


def compare_imports(old: Sequence[ast.stmt], new: Sequence[ast.stmt], notes: Notes) -> None:
    """Note how the imports of two blocks differ, their order aside."""
    ones, others = imported(old), imported(new)
    kept, there = Counter(each.key for each in others), Counter(each.key for each in ones)
    gone, added = _beyond(ones, kept), _beyond(others, there)
    if not gone and not added and _shapes(old) != _shapes(new):
        notes.add(Rank.ORDER, next((each.line for each in others), None), "imports written in another way, same names")
    for one in gone:
        other = next((each for each in added if each.bound == one.bound and each.bound != "*"), None)
        if other is not None:
            added.remove(other)
            notes.add(Rank.IMPORT, other.line, _elsewhere(one, other))
        else:
            repeated = "repeated " if one.key in kept else ""
            notes.add(Rank.IMPORT, one.line, f"{repeated}{one} removed")
    for other in added:
        notes.add(Rank.IMPORT, other.line, f"{'repeated ' if other.key in there else ''}{other} added")


def _shapes(block: Sequence[ast.stmt]) -> Counter[int]:
    return Counter(fingerprint(each) for each in block if isinstance(each, ast.Import | ast.ImportFrom))


def _beyond(names: Sequence[Imported], known: Counter[tuple[str, str, str]]) -> list[Imported]:
    left = known.copy()
    found = []
    for each in names:
        if left[each.key] > 0:
            left[each.key] -= 1
        else:
            found.append(each)
    return found


def _elsewhere(old: Imported, new: Imported) -> str:
    if old.name and new.name and old.name == new.name:
        return f"`{new.bound}` is imported from `{new.module}` instead of `{old.module}`"
    return f"{old} became {str(new).removeprefix('import of ')}"
