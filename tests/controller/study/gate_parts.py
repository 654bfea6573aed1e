"""Computed parts of a gate for rehearsals: a maker of two fixes, smoke runs and proofs that read literals.

What real ones do is tested with real programs elsewhere; here they are predictable, so that every turn of a night is.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nightlab.controller.explain.orders import Files, FixOrder, MadeFix
from nightlab.controller.model.change import Effect, Fact, FileChange
from nightlab.controller.model.site import Share
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Ending, SmokeReport
from nightlab.controller.study.prover import Case

SCRIPT = '''"""A script whose literals can be tuned, with one line for each of two fixes."""
import argparse

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.1
MODE = 1
STYLE = 1_0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.parse_args()


main()
'''
SAME, TWISTED = "ruff:SAME1", "ruff:TWIST1"
FIXES = {
    SAME: ("STYLE = 1_0", "STYLE = 10", Effect.SAME_PROGRAM),
    TWISTED: ("MODE = 1", "MODE = 2", Effect.BEHAVIOUR),
}


@dataclass
class TwoFixes:
    """Makes a fix that changes nothing and one that may."""

    orders: list[FixOrder] = field(default_factory=list)

    async def fixes(
        self, files: Files, order: FixOrder, *, paths: Sequence[str] = (), repo_config: Files | None = None
    ) -> tuple[MadeFix, ...]:
        """Make what is wanted and not refused."""
        self.orders.append(order)
        contents = {path: content.decode() for path, content in files.items()}
        made = []
        for author, (old, new, effect) in FIXES.items():
            changed = {path: text.replace(old, new) for path, text in contents.items() if old in text}
            if author in order.refused or not changed:
                continue
            changes = tuple(_change(path, contents[path], text, effect) for path, text in changed.items())
            made.append(
                MadeFix(author, effect, {p: t.encode() for p, t in changed.items()}, changes, "its value is used")
            )
            if effect is not Effect.BEHAVIOUR:
                contents.update(changed)
        return tuple(made)


def _change(path: str, before: str, after: str, effect: Effect) -> FileChange:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    return FileChange(path, effect, (Fact(path, 1, "changed"),), "".join(lines))


@dataclass(frozen=True)
class Smoked:
    """What a computed smoke run came to."""

    report: SmokeReport


@dataclass
class ComputedSmoker:
    """Smoke runs whose report a function makes of the number of the run."""

    report: Callable[[str], SmokeReport] = lambda _name: passed()
    ran: list[str] = field(default_factory=list)

    async def run(self, tree: Tree, share: Share, *, name: str, run_seed: int | None, stop: asyncio.Event) -> Smoked:
        """Compute a report."""
        self.ran.append(name)
        await asyncio.sleep(0)
        return Smoked(self.report(name))


def passed(memory: int = 10**8) -> SmokeReport:
    """Return the report of a smoke run that ended well."""
    return SmokeReport(Ending.FINISHED, wall_s=0.25, run_s=0.2, exit_code=0, peak_memory_bytes=memory)


@dataclass(frozen=True)
class Found:
    """What a computed proof found out."""

    differs: bool | None
    guilty: tuple[str, ...] = ()
    evidence: str = ""
    runs: int = 3
    hunks: str = ""
    wall_s: float = 1.0


@dataclass
class ComputedExaminer:
    """Proofs that a function decides."""

    decide: Callable[[Case], Found]
    cases: list[Case] = field(default_factory=list)
    go_on: asyncio.Event | None = None
    cancelled: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def examine(self, case: Case) -> Found:
        """Decide, once it may go on."""
        self.cases.append(case)
        self.began.set()
        try:
            if self.go_on is not None:
                await self.go_on.wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.decide(case)


def no_difference(_case: Case) -> Found:
    """Find that both trees do the same."""
    return Found(False, evidence="no difference seen in 40 lines of 3 runs")


def twisted(_case: Case) -> Found:
    """Find the second fix guilty."""
    return Found(True, (TWISTED,), "loss 0.5 -> nan at line 4")


def literals(mapping: Mapping[str, float], name: str) -> float:
    """Return a literal, or 0 where the tree has none."""
    return mapping.get(name, 0.0)
