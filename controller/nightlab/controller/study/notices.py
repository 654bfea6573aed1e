"""What the gate tells of a trial, a line each: for the policy that proposed it, and for a person who watches.

Texts hold words of the repo and of what ran; they are made inert and cut here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from nightlab.controller.model.change import Drift, Fix, FixState
from nightlab.controller.model.trial import Ending, GateReport
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.text import inert

LINE_CHARS: Final = 400
MOST: Final = 40
TAIL_LINES: Final = 15


def notices_of(trial: TrialRecord, attempts: Sequence[AttemptRecord]) -> tuple[str, ...]:
    """Return what a trial's author should know: what was changed behind its back, held back, or failed early."""
    lines: list[str] = [fix_line(fix) for fix in trial.fixes if fix.state is not FixState.APPLIED]
    for attempt in attempts:
        if attempt.gate is not None:
            lines.extend(_of_gate(attempt.gate))
    return tuple(dict.fromkeys(inert(line, LINE_CHARS) for line in lines))[:MOST]


def drift_line(drift: Drift) -> str:
    """Say what wrote, where, and what became of it: "`LR` 0.5 -> 0.3, train.py:41, after the seal by unknown: ..."."""
    what = drift.explanation.headline or "something changed"
    fate = "rolled back, it did not run" if drift.is_rolled_back else "the run does not count"
    return f"{what}, {drift.where.value}, by {drift.explanation.author}: {fate}"


def fix_line(fix: Fix) -> str:
    """Say what became of a fix: "ruff:F841 held back: ..."."""
    return f"{fix.author} {fix.state.value}" + (f": {fix.reason}" if fix.reason else "")


def _of_gate(gate: GateReport) -> Iterator[str]:
    yield from map(drift_line, gate.drifts)
    if gate.smoke is not None and gate.smoke.ending is not Ending.FINISHED:
        yield f"smoke run: {gate.smoke.reason or gate.smoke.ending.value}"
        yield from gate.smoke.tail[-TAIL_LINES:]
