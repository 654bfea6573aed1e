"""Judges launches that something else wrote into: was it launched, and was the writer named."""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Final

from nightlab.controller.bench.gate.cases import Case, Kind, Program
from nightlab.controller.bench.gate.checks import Check, Promise, Row
from nightlab.controller.bench.gate.gate import Gate, Launch, Moment, Rogue
from nightlab.controller.bench.gate.tools import result_of
from nightlab.controller.model.change import Drift, Writer
from nightlab.controller.model.site import TOOLBOX
from nightlab.controller.model.trial import Ending

BEFORE_THE_LAUNCH: Final = (Moment.DRAFT, Moment.TRANSFER, Moment.SEALED)
ROWS: Final = {Kind.LINT: Row.LINT_DRIFT, Kind.HARMLESS: Row.HARMLESS_DRIFT, Kind.OUT_OF_BAND: Row.OUT_OF_BAND}
TOOLS_INSIDE: Final = {"ruff": f"{TOOLBOX}/bin/ruff", "python": "python3"}
FORMAT: Final = "ruff format"
ANY_RULE: Final = ("ALL", "default")
WORD: Final = re.compile(r"[\w.+-]+|[^\w\s]")


async def measure_drift(gate: Gate, case: Case, reference: Launch) -> tuple[Check, ...]:
    """Let a case's tool write between the commit and the launch, and judge what came of it.

    Args:
        gate: What is measured.
        case: Of kind lint, neg or oob.
        reference: The launch of the same program that nobody touched.
    """
    began = time.monotonic()
    rogue = await rogue_of(case)
    proposed = case.program.with_files(case.finished(case.program.files)) if case.later_edit else case.program
    launch = await gate.launch(proposed, rogue)
    caught = judge_launch(ROWS[case.kind], case.name, launch, rogue, reference, time.monotonic() - began)
    if case.kind is Kind.OUT_OF_BAND:
        return caught, judge_unknown(ROWS[case.kind], case.name, proposed, launch, rogue)
    return caught, _judge_known(case, launch)


async def rogue_of(case: Case) -> Rogue:
    """Return a case's tool as a writer; when it writes depends on the case's name, so that it stays."""
    moment = BEFORE_THE_LAUNCH[zlib.crc32(case.name.encode()) % len(BEFORE_THE_LAUNCH)]
    inside = TOOLS_INSIDE.get(case.tool, "")
    argv = (inside, *case.commands[0]) if inside and len(case.commands) == 1 and not case.later_edit else ()
    return Rogue(moment, await result_of(case), argv)


def judge_launch(row: Row, case: str, launch: Launch, rogue: Rogue, reference: Launch, wall_s: float) -> Check:
    """Judge whether what ran was the proposal and the write was noticed."""
    problem = _problem(launch, rogue, reference)
    said = problem or f"{rogue.moment}: rolled back, {_who(launch.drifts)}: {_headline(launch.drifts)}"
    return Check(row, Promise.CAUGHT, case, not problem, said, wall_s)


def judge_unknown(row: Row, case: str, before: Program, launch: Launch, rogue: Rogue) -> Check:
    """Judge whether a writer that is no tool is called unknown, and the literal that it changed is named."""
    known = [writer.author for writer in writers(launch.drifts) if writer.tool]
    told = " ".join(
        str(fact) for drift in launch.drifts for change in drift.explanation.changes for fact in change.facts
    )
    numbers = {float(word) for word in WORD.findall(told) if _is_number(word)}
    missing = [word for word in changed_literals(before.files, rogue.files) if float(word) not in numbers]
    if known:
        problem = f"called {', '.join(known)}, and no tool did it"
    elif not any(drift.explanation.unexplained for drift in launch.drifts):
        problem = "nothing of it is said to be unexplained"
    else:
        problem = f"{missing[0]} is not named: {told[:160]}" if missing else ""
    return Check(row, Promise.ATTRIBUTED, case, not problem, problem or _headline(launch.drifts))


def names_rule(case: Case, found: tuple[Writer, ...]) -> bool:
    """Tell whether one of the writers is the case's tool with one of its rules."""
    known = [writer for writer in found if writer.tool]
    return any(_is_by(writer, rule) for writer in known for rule in case.rules)


def writers(drifts: tuple[Drift, ...]) -> tuple[Writer, ...]:
    """Return the writers of all drifts."""
    return tuple(writer for drift in drifts for writer in drift.explanation.writers)


def changed_literals(before: Mapping[str, bytes], after: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """Return the numbers that were replaced, old and new, where one word became one other."""
    found: list[str] = []
    for path, content in after.items():
        old, new = (WORD.findall((text or b"").decode(errors="replace")) for text in (before.get(path), content))
        for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag == "replace" and b - a == d - c == 1 and _is_number(old[a]) and _is_number(new[c]):
                found += [old[a], new[c]]
    return tuple(found)


def _problem(launch: Launch, rogue: Rogue, reference: Launch) -> str:
    if launch.ending in (Ending.NOT_AS_SEALED, Ending.GATE_REJECTED):
        return f"{rogue.moment}: not launched, though it could be rolled back: {launch.reason}"
    if not launch.is_as_sealed or launch.result != reference.result:
        return f"{rogue.moment}: launched, and printed {launch.result!r} for {reference.result!r}"
    return "" if launch.drifts or rogue.restores else f"{rogue.moment}: nothing was noticed"


def _judge_known(case: Case, launch: Launch) -> Check:
    found = writers(launch.drifts)
    is_right = names_rule(case, found) and all(writer.tool for writer in found)
    said = f"{_who(launch.drifts)} for {case.tool} {','.join(case.rules)}"
    return Check(ROWS[case.kind], Promise.ATTRIBUTED, case.name, is_right, said)


def _is_by(writer: Writer, rule: str) -> bool:
    """Of tools that make exactly the same, nobody can tell from the trees which it was: all that are named count."""
    if any(_is_command_of(other, rule) for other in writer.also):
        return True
    if rule in ANY_RULE:
        return writer.tool == "ruff check"
    if rule == "format":
        return writer.tool == FORMAT
    return rule in writer.rules or writer.tool == rule


def _is_command_of(command: str, rule: str) -> bool:
    """Tell whether a command is a tool's, or selects a rule."""
    return command.startswith(FORMAT if rule == "format" else rule) or rule in re.split(r"[ ,]", command)


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _who(drifts: tuple[Drift, ...]) -> str:
    return " and ".join(dict.fromkeys(drift.explanation.author for drift in drifts)) or "nobody"


def _headline(drifts: tuple[Drift, ...]) -> str:
    return next((drift.explanation.headline for drift in drifts if drift.explanation.headline), "nothing said")
