"""Runs everything that is asked of a gate, a few cases at a time, and collects what was promised and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, ParamSpec

from nightlab.controller.bench.gate import flips, writes
from nightlab.controller.bench.gate.bugs import measure_bug
from nightlab.controller.bench.gate.cases import Case, Kind, Program
from nightlab.controller.bench.gate.checks import Check, Promise, Row
from nightlab.controller.bench.gate.drift import ROWS, judge_launch, judge_unknown, measure_drift
from nightlab.controller.bench.gate.gate import Gate, Launch, Moment, Rogue
from nightlab.controller.bench.gate.repos import measure_repo, repos
from nightlab.controller.bench.gate.wanted import measure_wanted
from nightlab.controller.errors import NightlabError
from nightlab.controller.model.trial import Ending

Done = Callable[[tuple[Check, ...]], None]
Measure = Callable[[], Awaitable[tuple[Check, ...]]]
P = ParamSpec("P")
WANTED: Final = {
    Kind.LINT: (Row.LINT_WANTED, Promise.CAUGHT),
    Kind.HARMLESS: (Row.HARMLESS_WANTED, Promise.PASSED),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One case's whole measurement.

    Attributes:
        name: Of the case.
        row: Where it is counted if it cannot be measured.
        measure: Does it.
        is_slow: It comes first, so that it does not end alone.
    """

    name: str
    row: Row
    measure: Measure
    is_slow: bool = False


def plan(gate: Gate, cases: Iterable[Case], roots: Sequence[Path], only: str = "") -> list[Job]:
    """List what is to be measured.

    Args:
        gate: What is measured.
        cases: Of a corpus.
        roots: Real repos.
        only: Part of the names of generated writes and of repos; empty: all.
    """
    jobs = [_job_of(gate, case) for case in cases]
    jobs += _generated(gate, only)
    jobs += [Job(repo.name, Row.REPO, _later(measure_repo, gate, repo)) for repo in repos(tuple(roots), only)]
    return sorted(jobs, key=lambda job: not job.is_slow)


async def run(jobs: Sequence[Job], at_once: int, done: Done) -> list[Check]:
    """Measure all of them.

    Args:
        jobs: As planned.
        at_once: How many at a time.
        done: Called with the checks of each case when it ends.
    """
    free = asyncio.Semaphore(at_once)
    checks: list[Check] = []

    async def measure(job: Job) -> None:
        async with free:
            found = await _measured(job)
        checks.extend(found)
        done(found)

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(measure(job))
    return checks


async def measure_case(gate: Gate, case: Case) -> tuple[Check, ...]:
    """Measure everything that the corpus says of one case."""
    if case.kind is Kind.BUG:
        return await measure_bug(gate, case)
    began = time.monotonic()
    proposed = case.program.with_files(case.finished(case.program.files))
    reference = await gate.launch(proposed)
    checks = [judge_quiet(case.name, reference, time.monotonic() - began)]
    checks += await _guarded(ROWS[case.kind], Promise.CAUGHT, case.name, measure_drift(gate, case, reference))
    if case.kind is not Kind.OUT_OF_BAND:
        row, promise = WANTED[case.kind]
        checks += await _guarded(row, promise, case.name, measure_wanted(gate, case, reference))
    return tuple(checks)


def judge_quiet(case: str, launch: Launch, wall_s: float = 0.0) -> Check:
    """Judge a launch that nobody wrote into: it runs, and nothing is said to have been written."""
    said = launch.reason or launch.result or "printed no result"
    if launch.drifts:
        said = f"false alarm: {launch.drifts[0].explanation.headline}"
    is_kept = launch.ending is Ending.FINISHED and bool(launch.result) and not launch.drifts
    return Check(Row.QUIET, Promise.PASSED, case, is_kept, said, wall_s)


def _job_of(gate: Gate, case: Case) -> Job:
    row = Row.BUG if case.kind is Kind.BUG else Row.QUIET
    return Job(case.name, row, _later(measure_case, gate, case), is_slow=bool(case.program.needs))


def _generated(gate: Gate, only: str) -> Iterator[Job]:
    references = _References(gate)
    for name, rogue in flips.flips(only):
        yield Job(name, Row.LITERAL, _later(_measure_flip, gate, references, name, rogue))
    for name, program, rogue in writes.writes(only):
        yield Job(name, Row.WRITE, _later(_measure_write, gate, references, name, program, rogue))


class _References:
    """Launches of the generated programs that nobody touched, each made once."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._locks: dict[str, asyncio.Lock] = {}
        self._made: dict[str, Launch] = {}

    async def of(self, program: Program) -> Launch:
        async with self._locks.setdefault(program.name, asyncio.Lock()):
            if program.name not in self._made:
                self._made[program.name] = await self._gate.launch(program)
            return self._made[program.name]


async def _measure_flip(gate: Gate, references: _References, name: str, rogue: Rogue) -> tuple[Check, ...]:
    reference = await references.of(flips.PROGRAM)
    began = time.monotonic()
    launch = await gate.launch(flips.PROGRAM, rogue)
    caught = judge_launch(Row.LITERAL, name, launch, rogue, reference, time.monotonic() - began)
    return caught, judge_unknown(Row.LITERAL, name, flips.PROGRAM, launch, rogue)


async def _measure_write(
    gate: Gate, references: _References, name: str, program: Program, rogue: Rogue
) -> tuple[Check, ...]:
    began = time.monotonic()
    if rogue.moment is Moment.RUN:
        launch = await gate.launch(program, rogue)
        is_kept = launch.ending is Ending.NOT_AS_SEALED
        said = launch.reason or f"told as {launch.ending}: {launch.result}"
        return (Check(Row.WRITE, Promise.CAUGHT, name, is_kept, said, time.monotonic() - began),)
    reference = await references.of(program)
    launch = await gate.launch(program, rogue)
    return (judge_launch(Row.WRITE, name, launch, rogue, reference, time.monotonic() - began),)


async def _measured(job: Job) -> tuple[Check, ...]:
    promise = Promise.PASSED if job.row in (Row.REPO, Row.QUIET) else Promise.CAUGHT
    return await _guarded(job.row, promise, job.name, job.measure())


async def _guarded(row: Row, promise: Promise, case: str, made: Awaitable[tuple[Check, ...]]) -> tuple[Check, ...]:
    """What cannot be measured was not kept, and costs no other check."""
    try:
        return await made
    except NightlabError as error:
        return (Check(row, promise, case, False, f"could not be measured: {error}"),)


def _later(function: Callable[P, Awaitable[tuple[Check, ...]]], *args: P.args, **kwargs: P.kwargs) -> Measure:
    return lambda: function(*args, **kwargs)
