"""What changed between two trees, in the language of the program, and who changed it, by evidence.

Values only: finding them out belongs to `explain`, acting on them to `trial`, `study` and `inspection`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from nightlab.controller.model.tree import Entry

UNKNOWN: Final = "unknown"
HOLD: Final = "may change what the program does"  # begins a fix's reason; what it does follows


class Effect(StrEnum):
    """What a change of a file may do to the program, from the least to the most."""

    SAME_PROGRAM = "same AST"
    DOCSTRING = "docstring only"
    BEHAVIOUR = "may change behaviour"


class Where(StrEnum):
    """Between which two points something wrote that was not proposed."""

    DRAFT = "while the author worked"
    TRANSFER = "between the commit and the sandbox"
    SEALED = "after the seal"
    RUN = "during the run"


@dataclass(frozen=True, slots=True)
class Fact:
    """One difference, as a programmer would say it.

    Attributes:
        path: Of the file.
        line: In the later file, from 1; of something that is gone, in the earlier one. None for a whole file.
        text: One line: "`SCALAR_LR` 0.5 -> 0.3", "import of `registry_models` removed", "format only, same AST".
    """

    path: str
    line: int | None
    text: str

    def __str__(self) -> str:
        """Write it with its place: "`SCALAR_LR` 0.5 -> 0.3, train.py:41"."""
        return f"{self.text}, {self.path}" + (f":{self.line}" if self.line is not None else "")


@dataclass(frozen=True, slots=True)
class FileChange:
    """What changed in one file.

    Attributes:
        path: Of the file.
        effect: What the change may do.
        facts: At least one, what matters most first; the first 50.
        diff: Unified, with three lines of context; at most 64 KiB, cut at a line with a note. Empty for binary files.
    """

    path: str
    effect: Effect
    facts: tuple[Fact, ...]
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who made a change, proven by making it again.

    Attributes:
        tool: "ruff check", "ruff format", "isort", "black", ...; empty: no known tool makes this change.
        rules: Rules that were replayed and took part, sorted; empty for a formatter.
        applicability: "safe", "unsafe", "safe+preview" or "unsafe+preview" for `ruff check`; else empty.
        settings: Options beyond the tool's own defaults that it took ("--target-version=py312").
        paths: Files that it explains, in part or as a whole.
        is_exact: The replay gives the same bytes; else the same AST.
        also: Other known tools that make exactly the same, with their options ("pyupgrade --py310-plus"): from the
            trees alone nobody can tell which of them it was.
    """

    tool: str
    paths: tuple[str, ...]
    rules: tuple[str, ...] = ()
    applicability: str = ""
    settings: tuple[str, ...] = ()
    is_exact: bool = True
    also: tuple[str, ...] = ()

    @property
    def author(self) -> str:
        """The author of the edit (DESIGN.md, "edit"): "ruff:F401,I001", "formatter:black" or "unknown"."""
        if not self.tool:
            return UNKNOWN
        return f"ruff:{','.join(self.rules)}" if self.rules else f"formatter:{self.tool}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What changed and who did it.

    Attributes:
        changes: By path.
        writers: Known tools first; the last is unknown where something is left that no known tool makes.
        unexplained: What is left after the known tools, as facts; all of them where no tool is known.
        notes: What could not be found out, and why ("train.py could not be read in time").
    """

    changes: tuple[FileChange, ...] = ()
    writers: tuple[Writer, ...] = ()
    unexplained: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def effect(self) -> Effect:
        """The most that any of the changes may do."""
        order = list(Effect)
        return max((change.effect for change in self.changes), key=order.index, default=Effect.SAME_PROGRAM)

    @property
    def headline(self) -> str:
        """The fact that matters most, with its place; empty if nothing changed."""
        order = list(Effect)
        worst = sorted(self.changes, key=lambda change: -order.index(change.effect))
        return str(worst[0].facts[0]) if worst and worst[0].facts else ""

    @property
    def author(self) -> str:
        """All writers in one phrase: "ruff:F401 and unknown"."""
        return " and ".join(dict.fromkeys(writer.author for writer in self.writers)) or UNKNOWN

    def with_untold(self, changes: Sequence[FileChange]) -> Self:
        """Add changes that were told without a comparison of contents; nobody is known to have made them."""
        if not changes:
            return self
        names = {change.path for change in changes}
        told = (change for change in self.changes if change.path not in names)
        known = tuple(writer for writer in self.writers if writer.tool)
        unknown = {path for writer in self.writers if not writer.tool for path in writer.paths} | names
        return replace(
            self,
            changes=tuple(sorted((*told, *changes), key=lambda change: change.path)),
            writers=(*known, Writer("", tuple(sorted(unknown)))),
            unexplained=(*self.unexplained, *(fact for change in changes for fact in change.facts)),
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that wrote what nobody had proposed.

    Attributes:
        where: Between which points.
        explanation: What and who.
        is_rolled_back: The proposed content was put back before anything was launched.
        written: What lay there instead, of which the content could be taken out; it is in the blob store.
        removed: Proposed paths at which no file lay any more.
    """

    where: Where
    explanation: Explanation
    is_rolled_back: bool
    written: tuple[Entry, ...] = ()
    removed: tuple[str, ...] = ()


class FixState(StrEnum):
    """What became of a fix that the user wants."""

    APPLIED = "applied"
    HELD_BACK = "held back"
    LET_THROUGH = "let through"


@dataclass(frozen=True, slots=True)
class Fix:
    """One edit of a fixer or formatter that the user wants, made on a copy.

    Attributes:
        author: "ruff:UP006" or "formatter:ruff format".
        effect: What it may do.
        state: What became of it.
        changes: What it does.
        reason: One line for a person: why it was held back, or after how many smoke steps no difference was seen.
    """

    author: str
    effect: Effect
    state: FixState
    changes: tuple[FileChange, ...]
    reason: str = ""
