"""Judges fixes that a user wants: held back where they change the program, let through where they do not."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from nightlab.controller.bench.gate.cases import Case, Kind, Program
from nightlab.controller.bench.gate.checks import Check, Promise, Row
from nightlab.controller.bench.gate.gate import Gate, Launch, Order, Pairing, WantedFix
from nightlab.controller.bench.gate.tools import result_of
from nightlab.controller.model.change import Effect

CODE: Final = re.compile(r"[A-Z]+[0-9]*")


@dataclass(frozen=True, slots=True)
class _Fate:
    fix: WantedFix
    is_launched: bool
    why: str

    def __str__(self) -> str:
        return f"{self.fix.author} {'let through' if self.is_launched else 'held back'} ({self.why})"


async def measure_wanted(gate: Gate, case: Case, reference: Launch) -> tuple[Check, ...]:
    """Order a case's change as a wanted fix and judge what would have been launched.

    What the order does not make (a preview rule, another tool, a newer target version) is taken from the tool itself.

    Args:
        gate: What is measured.
        case: Of kind lint or neg.
        reference: The launch of the same program that nobody touched.
    """
    began = time.monotonic()
    before = case.program
    fixes = await gate.wanted(before, order_of(case)) or [await _by_the_tool(gate, case)]
    fates = [await _fate(gate, case, fix) for fix in fixes]
    told = "; ".join(map(str, fates))
    if case.kind is Kind.HARMLESS:
        is_kept = all(fate.is_launched for fate in fates)
        return (Check(Row.HARMLESS_WANTED, Promise.PASSED, case.name, is_kept, told, time.monotonic() - began),)
    problem = await _harm(gate, case, fates, reference)
    wall_s = time.monotonic() - began
    return (Check(Row.LINT_WANTED, Promise.CAUGHT, case.name, not problem, problem or told, wall_s),)


def order_of(case: Case) -> Order:
    """Return the order of the fixes that a case's commands make."""
    options = case.options
    if options[:1] == ("format",) or case.tool != "ruff":
        return Order("off", formats=case.tool == "ruff")
    selected = options[options.index("--select") + 1].split(",") if "--select" in options else case.rules
    codes = tuple(code for code in selected if CODE.fullmatch(code))
    return Order("all" if _is_unsafe(case) else "safe", codes, formats="format" in options)


def _is_unsafe(case: Case) -> bool:
    config = case.program.files.get("ruff.toml", b"")
    return "--unsafe-fixes" in case.options or b"unsafe-fixes = true" in config or b"extend-safe-fixes" in config


async def _by_the_tool(gate: Gate, case: Case) -> WantedFix:
    files = {path: content for path, content in (await result_of(case)).items() if content is not None}
    effect = await gate.classify(case.program, case.program.with_files(files))
    return WantedFix(case.tool, effect, files, "made by the tool itself")


async def _fate(gate: Gate, case: Case, fix: WantedFix) -> _Fate:
    """Do as a study does: what leaves the program the same is applied, the rest waits for paired smoke runs."""
    if fix.effect is not Effect.BEHAVIOUR:
        return _Fate(fix, True, str(fix.effect))
    before = _finished(case, case.program)
    paired: Pairing = await gate.pair(before, _finished(case, case.program.with_files(fix.files)))
    return _Fate(fix, paired.differs is False, paired.evidence)


async def _harm(gate: Gate, case: Case, fates: Sequence[_Fate], reference: Launch) -> str:
    """Run what would have been launched and say which fix changed its result; empty: none."""
    for fate in fates:
        if fate.is_launched:
            ran = await gate.smoke(_finished(case, case.program.with_files(fate.fix.files)))
            if ran.result != reference.result:
                return f"{fate}: {ran.result or ran.reason!r} for {reference.result!r}"
    return ""


def _finished(case: Case, program: Program) -> Program:
    return replace(program, files=case.finished(program.files))
