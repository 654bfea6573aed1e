"""The smoke run as a check of the gate: made where the user asks for it, and what its end means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nightlab.controller.inspection.bench import SmokeBench
from nightlab.controller.model.trial import Ending, SmokeReport
from nightlab.controller.report.gate_view import Check, CheckState
from nightlab.controller.report.gate_words import smoke_line

REASON_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Smoked:
    """What the smoke run says; `report` is None where none was made."""

    report: SmokeReport | None
    check: Check


async def smoke_run(bench: SmokeBench | None, why_none: str) -> Smoked:
    """Make the smoke run.

    Args:
        bench: Where; None: none is made.
        why_none: Why, in a few words.

    Raises:
        EngineError, LinkError: The machine failed.
    """
    if bench is None:
        return Smoked(None, Check("smoke", "smoke run", CheckState.SKIPPED, why_none))
    report = (await bench.run()).report
    state = CheckState.PASSED if report.ending is Ending.FINISHED else CheckState.FAILED
    told = smoke_line(report).partition(":")[0] if state is CheckState.FAILED else smoke_line(report)
    return Smoked(report, Check("smoke", "smoke run", state, told[:REASON_CHARS].removeprefix("passed ")))
