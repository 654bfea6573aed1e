"""What the gate found out, as values: `nightlab gate` on a working tree, and what a study keeps beside its trials.

Filling them belongs to `inspection`; wording to `report.gate_words` and `report.gate_page`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from nightlab.controller.model.change import Explanation
from nightlab.controller.model.trial import GateReport

HELD_BACK_CODE: Final = 3  # as everywhere: waiting for a person
FAILED_CODE: Final = 1


class CheckState(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    HELD_BACK = "held back"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the gate.

    Attributes:
        id: Stable, for programs: "ruff", "entry-point", "repo-config", "fixes", "format", "duplicates", "smoke"
            or "seal".
        name: For people.
        state: How it ended.
        reason: A few words on why, where that is not plain: what was skipped and why, how many were held back.
    """

    id: str
    name: str
    state: CheckState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BaseView:
    """What the working tree was compared with.

    Attributes:
        name: As it was asked for: "HEAD"; empty without a base.
        commit: Hex; empty without a base.
        why_none: Why there is none, in a few words; empty with one.
    """

    name: str = ""
    commit: str = ""
    why_none: str = ""


@dataclass(frozen=True, slots=True)
class InspectionView:
    """The gate on a working tree.

    Attributes:
        path: The directory.
        base: What it was compared with.
        files: How many files it has.
        checks: In the order of the gate.
        gate: Findings, fixes and smoke run as a study's trial has them; `digest_outside` is the tree as first read,
            `digest_inside` as it was when the gate ended.
        explanation: What differs from the base, and who made it so.
        sources: The source line of each finding, "train.py:41" -> text (untrusted).
        written: Files that `--write` changed.
        wall_s: How long it took.
    """

    path: str
    base: BaseView
    files: int
    checks: tuple[Check, ...]
    gate: GateReport
    explanation: Explanation = field(default_factory=Explanation)
    sources: Mapping[str, str] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    wall_s: float = 0.0

    @property
    def state(self) -> CheckState:
        """The whole: failed if any check failed, else held back if any was, else passed."""
        states = {check.state for check in self.checks}
        for worst in (CheckState.FAILED, CheckState.HELD_BACK):
            if worst in states:
                return worst
        return CheckState.PASSED

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 held back."""
        return {CheckState.FAILED: FAILED_CODE, CheckState.HELD_BACK: HELD_BACK_CODE}.get(self.state, 0)


@dataclass(frozen=True, slots=True)
class SinceView:
    """What changed since a commit, and who did it.

    Attributes:
        path: The directory.
        base: The commit.
        explanation: What and who.
        notes: One line each.
        wall_s: How long it took.
    """

    path: str
    base: BaseView
    explanation: Explanation
    notes: tuple[str, ...] = ()
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """An author whose fixes are not made any more in this repo.

    Attributes:
        author: "ruff:SIM108".
        trial: On which it was caught; None: in an earlier study.
        evidence: What it changed in what the program does.
        hunks: The guilty change as a diff (untrusted text).
        lost_s: Container time of the attempts that carried it.
    """

    author: str
    trial: int | None = None
    evidence: str = ""
    hunks: str = ""
    lost_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProofView:
    """Paired smoke runs with and without a change.

    Attributes:
        subject: What was compared: "ruff:F841 in train.py".
        trial: Where it came up.
        is_ended: Whether it has a result, or was closed without one.
        differs: None: it cannot be told.
        evidence: What differed, or how much was compared.
        guilty: Authors of the smallest guilty change.
        hunks: That change as a diff (untrusted text).
        runs: Program runs that it took.
    """

    subject: str
    trial: int | None = None
    is_ended: bool = True
    differs: bool | None = None
    evidence: str = ""
    guilty: tuple[str, ...] = ()
    hunks: str = ""
    runs: int = 0
