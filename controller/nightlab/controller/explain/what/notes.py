"""Facts while they are collected: with a rank, in a scope; at last ordered, without repeats, as facts of a file."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

from nightlab.controller.model.change import Fact

MOST_FACTS: Final = 50


class Rank(IntEnum):
    """How much a fact matters to a reader, the most first."""

    BROKEN = 0
    VALUE = 1
    BEHAVIOUR = 2
    DEFINITION = 3
    IMPORT = 4
    ORDER = 5
    ANNOTATION = 6
    DOCSTRING = 7
    TEXT = 8


@dataclass(frozen=True, slots=True)
class Note:
    """One difference that was found.

    Attributes:
        rank: How much it matters.
        line: As of Fact.
        text: As of Fact, without what follows.
        context: The expression or statement that it is in; empty where the text says enough.
        where: The scope, as an ending.
    """

    rank: Rank
    line: int | None
    text: str
    context: str = ""
    where: str = ""

    @property
    def sentence(self) -> str:
        """All of it: "2 -> 3 in `y = 2 * x`, in `f()`"."""
        text = self.text + (f" in `{self.context}`" if self.context else "")
        joint = "," if self.where and " in `" in text else ""
        return f"{text}{joint}{self.where}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a statement stands.

    Attributes:
        names: Of the classes and functions around it.
        is_class: Whether the innermost is a class.
    """

    names: tuple[str, ...] = ()
    is_class: bool = False

    def inside(self, name: str, *, is_class: bool) -> Scope:
        """Return the scope of a class or function that stands here."""
        return Scope((*self.names, name), is_class)

    def named(self, name: str) -> str:
        """Return what a name is called from outside: `Config.lr` in a class, else the name."""
        return ".".join((*self.names, name)) if self.is_class else name

    def function(self, name: str) -> str:
        """Return "Model.forward" for a function or method that stands here."""
        return ".".join((*self.names, name))

    @property
    def suffix(self) -> str:
        """Say where, for the end of a sentence; empty at the top of a module."""
        if not self.names:
            return ""
        return f" in `{'.'.join(self.names)}{'' if self.is_class else '()'}`"


@dataclass(frozen=True, slots=True)
class Gap:
    """Statements of one place that are in one of two programs only.

    Attributes:
        scope: Where.
        old: Earlier, in order.
        new: Later, in order.
    """

    scope: Scope
    old: tuple[ast.stmt, ...]
    new: tuple[ast.stmt, ...]


@dataclass(slots=True)
class Notes:
    """A list of notes that knows the scope it is in."""

    scope: Scope = field(default_factory=Scope)
    found: list[Note] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def inside(self, name: str, *, is_class: bool) -> Notes:
        """Return the same list, in the scope of a class or function."""
        return replace(self, scope=self.scope.inside(name, is_class=is_class))

    def aside(self) -> Notes:
        """Return an empty list in the same scope, for what may not be told in the end."""
        return Notes(self.scope)

    def add(self, rank: Rank, node: ast.AST | int | None, text: str, *, here: bool = True) -> None:
        """Note a fact.

        Args:
            rank: How much it matters.
            node: Where: a node or a line.
            text: The sentence.
            here: Whether the scope is added to it.
        """
        line = getattr(node, "lineno", None) if isinstance(node, ast.AST) else node
        self.found.append(Note(rank, line, text, where=self.scope.suffix if here else ""))


def ordered(path: str, notes: list[Note]) -> tuple[Fact, ...]:
    """Return notes as facts: by rank, then by line, each sentence once, the first 50."""
    lines: dict[tuple[Rank, str], list[int | None]] = {}
    for note in notes:
        lines.setdefault((note.rank, note.sentence), []).append(note.line)
    found = sorted(lines.items(), key=lambda each: (each[0][0], _line(each[1][0])))
    facts = [Fact(path, at[0], text + (f" ({len(at)} times)" if len(at) > 1 else "")) for (_, text), at in found]
    return tuple(facts[:MOST_FACTS])


def _line(line: int | None) -> int:
    return 0 if line is None else line
