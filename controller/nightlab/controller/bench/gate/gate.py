"""The gate as the measurement sees it: five questions. `real` asks them of nightlab's own, in real sandboxes.

A gate that is broken on purpose answers the same questions, so that the measurement itself can be tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from nightlab.controller.bench.gate.cases import Program
from nightlab.controller.model.change import Drift, Effect
from nightlab.controller.model.trial import Ending, Finding


class Moment(StrEnum):
    """When something else writes."""

    DRAFT = "by a command of the author's, in the sandbox"
    TRANSFER = "in the host's store, after the commit"
    SEALED = "in the sandbox, after the seal"
    RUN = "in the sandbox, during the run"


@dataclass(frozen=True, slots=True)
class Rogue:
    """Something else that writes.

    Attributes:
        moment: When.
        files: What it leaves, by path; None removes a path.
        argv: How it is run inside the sandbox; empty where it cannot run there and its bytes are written instead.
        restores: It puts back what was there before anybody looks.
    """

    moment: Moment
    files: Mapping[str, bytes | None]
    argv: tuple[str, ...] = ()
    restores: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """What came of a launch.

    Attributes:
        ending: As the walk named it.
        lines: What the program printed; empty if it was not launched.
        drifts: What the gate says was written.
        blocking: Findings that kept it from being launched.
        reason: One line.
        is_as_sealed: What lay inside right before the launch was the proposal.
    """

    ending: Ending
    lines: tuple[str, ...] = ()
    drifts: tuple[Drift, ...] = ()
    blocking: tuple[Finding, ...] = ()
    reason: str = ""
    is_as_sealed: bool = False

    @property
    def result(self) -> str:
        """The line with its result; empty if it printed none."""
        return next((line for line in reversed(self.lines) if line.startswith("result")), "")


@dataclass(frozen=True, slots=True)
class WantedFix:
    """A fix as the gate made it on a copy.

    Attributes:
        author: "ruff:UP006".
        effect: As classified.
        files: New contents of the files that it changes.
    """

    author: str
    effect: Effect
    files: Mapping[str, bytes]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Which fixes are wanted.

    Attributes:
        level: As `[lint] fix`.
        select: As `[lint] select`.
        formats: As `[lint] format`.
    """

    level: Literal["off", "safe", "all"]
    select: tuple[str, ...] = ()
    formats: bool = False


@dataclass(frozen=True, slots=True)
class Pairing:
    """What paired smoke runs say.

    Attributes:
        differs: None: they cannot tell.
        evidence: One line.
    """

    differs: bool | None
    evidence: str = ""


class Gate(Protocol):
    """What is measured."""

    async def launch(self, program: Program, rogue: Rogue | None = None, *, is_base: bool = True) -> Launch:
        """Send a program through the gate and run it.

        Args:
            program: What its author proposes.
            rogue: What writes meanwhile.
            is_base: What ruff finds in it was there before; else every finding is its author's.
        """
        ...

    async def wanted(self, program: Program, order: Order) -> Sequence[WantedFix]:
        """Make wanted fixes on a copy and classify them."""
        ...

    async def pair(self, before: Program, after: Program) -> Pairing:
        """Find out by paired smoke runs whether two programs do the same."""
        ...

    async def smoke(self, program: Program) -> Launch:
        """Run a program as a smoke run does."""
        ...

    async def classify(self, before: Program, after: Program) -> Effect:
        """Say what a change may do, without running anything."""
        ...
