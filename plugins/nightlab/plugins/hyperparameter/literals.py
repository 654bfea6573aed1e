"""A literal of the workspace as a value: where it is, what it says, what its surroundings call it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal as OneOf

from nightlab.plugins.hyperparameter.names import words

Kind = OneOf["integer", "number", "boolean", "string"]
Value = bool | int | float | str
Form = OneOf[
    "constant", "local", "argument", "field", "attribute", "parameter", "keyword", "dict", "variable", "config"
]


@dataclass(frozen=True, slots=True)
class Literal:
    """One literal that could be changed.

    Attributes:
        path: File, relative to the workspace.
        name: Qualified name inside the file, unique there and independent of line numbers.
        form: How it is written down.
        kind: What type the code expects; text that holds a number is a number.
        value: What it says.
        text: Its bytes in the file, as text.
        start: Offset of its first byte.
        end: Offset behind its last byte.
        line: From 1.
        word: The name of the quantity ("lr" of "AdamW(lr)").
        context: Names around it, outermost first: scope, class, section, callee.
        callee: For a keyword or positional literal, the called name ("AdamW").
        choices: All values that the code itself lists for it.
    """

    path: str
    name: str
    form: Form
    kind: Kind
    value: Value
    text: str
    start: int
    end: int
    line: int
    word: str
    context: tuple[str, ...] = ()
    callee: str = ""
    choices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What the search and the user call it: "train.py:Config.n_layer"."""
        return f"{self.path}:{self.name}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the quantity's name."""
        return words(self.word)

    @property
    def where(self) -> str:
        """ "path:line" for a person."""
        return f"{self.path}:{self.line}"


def kind_of(value: object) -> Kind | None:
    """Name the type of a literal's value; None for what is not tuned."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else None


def with_unique_names(literals: Iterable[Literal]) -> list[Literal]:
    """Number literals that share a name, in source order: NAME, NAME#2, NAME#3."""
    seen: dict[str, int] = {}
    unique = []
    for literal in sorted(literals, key=lambda each: each.start):
        seen[literal.name] = seen.get(literal.name, 0) + 1
        count = seen[literal.name]
        unique.append(literal if count == 1 else replace(literal, name=f"{literal.name}#{count}"))
    return unique
