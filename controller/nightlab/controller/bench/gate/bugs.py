"""Judges bugs that an edit introduces: stopped before the launch, or by the smoke run where running shows them."""

from __future__ import annotations

import time

from nightlab.controller.bench.gate.cases import NO_RULE, Case
from nightlab.controller.bench.gate.checks import Check, Promise, Row
from nightlab.controller.bench.gate.gate import Gate
from nightlab.controller.model.trial import Ending


async def measure_bug(gate: Gate, case: Case) -> tuple[Check, ...]:
    """Propose a program with a bug as an edit.

    A bug that no rule sees is left to the smoke run; one that ends there with a plausible number cannot be seen by
    running, and counts neither way.
    """
    began = time.monotonic()
    has_rule = case.expect_rule != NO_RULE
    row = Row.BUG if has_rule else Row.BUG_UNSEEN
    launch = await gate.launch(case.program, is_base=False)
    if launch.ending is Ending.GATE_REJECTED and launch.blocking:
        said = ", ".join(f"{finding.code} line {finding.line}" for finding in launch.blocking[:3])
        return (Check(row, Promise.CAUGHT, case.name, True, said, time.monotonic() - began),)
    if has_rule:
        said = f"launched; {case.expect_rule} does not block it"
        return (Check(row, Promise.CAUGHT, case.name, False, said, time.monotonic() - began),)
    smoke = await gate.smoke(case.program)
    is_seen = smoke.ending is not Ending.FINISHED
    said = f"smoke run: {smoke.reason}" if is_seen else f"runs to its end and prints {smoke.result!r}"
    is_kept = _crash(case.effect, is_seen)
    return (Check(row, Promise.CAUGHT, case.name, is_kept, said, time.monotonic() - began),)


def _crash(effect: str, is_seen: bool) -> bool | None:
    """A crash must be seen; a wrong number cannot be."""
    return is_seen if effect == "crash" or is_seen else None
