"""Pairs of short runs of a program before and after a change, within a number of runs and a time.

What makes a run is given as a function of files: a smoke run in a container, or a process in a test. An error of the
machine leaves as it comes; it is no difference.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from nightlab.controller.proof.ddmin import Exhausted
from nightlab.controller.proof.hunks import Files
from nightlab.controller.proof.observation import Observation
from nightlab.controller.proof.oracle import Comparison, Floor

Observe = Callable[[Files], Awaitable[Observation]]
"""Runs the program once, always on the same seed. Gets the content of every file that may differ between the two sides;
one that is missing there is missing in the program."""

MOST_RUNS: Final = 12
SECOND_LOOKS: Final = 3  # runs of the tree before the change where the first two were not alike


class PairedRuns:
    """Compares variants of a program with the program before the change, and never runs the same content twice."""

    def __init__(
        self, observe: Observe, before: Files, *, most_runs: int = MOST_RUNS, deadline_s: float | None = None
    ) -> None:
        """Run nothing yet.

        Args:
            observe: Runs the program once.
            before: Contents before the change.
            most_runs: Runs of the program in all.
            deadline_s: From now, after which no further run begins.
        """
        self.runs = 0
        self._observe = observe
        self._before = before
        self._most_runs = most_runs
        self._deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self._floor: Floor | None = None
        self._seen: dict[str, Observation] = {}

    async def compare(self, files: Files) -> Comparison:
        """Say whether a variant does something else than the program before the change.

        Raises:
            Exhausted: No further run may be made.
            EngineError, LinkError: The machine failed; ask again.
        """
        if dict(files) == dict(self._before):
            return Comparison(False, "it is the program before the change")
        floor = await self._known_floor()
        if floor.problem:
            return Comparison(None, floor.problem)
        key = _key(files)
        if key not in self._seen:
            self._seen[key] = await self._run(files)
        found = await asyncio.to_thread(floor.compare, self._seen[key])
        if found.differs and not (found.is_plain or floor.is_silent) and floor.runs < SECOND_LOOKS and self._may_run():
            await asyncio.to_thread(floor.widen, await self._run(self._before))
            found = await asyncio.to_thread(floor.compare, self._seen[key])
        return found

    def seen(self, files: Files) -> Observation | None:
        """Return the run of a variant that was compared; None if there was none."""
        return self._seen.get(_key(files))

    async def _known_floor(self) -> Floor:
        if self._floor is None:
            first, second = await self._run(self._before), await self._run(self._before)
            self._floor = await asyncio.to_thread(Floor, first, second)
        return self._floor

    async def _run(self, files: Files) -> Observation:
        if not self._may_run():
            raise Exhausted
        self.runs += 1
        return await self._observe(files)

    def _may_run(self) -> bool:
        return self.runs < self._most_runs and (self._deadline is None or time.monotonic() < self._deadline)


async def paired(
    observe: Observe, before: Files, after: Files, *, most_runs: int = 4, deadline_s: float | None = None
) -> Comparison:
    """Compare a program before and after a change: twice before, once after, once more where runs vary.

    Args:
        observe: Runs the program once.
        before: Contents of what differs, before.
        after: The same, after.
        most_runs: Runs of the program in all.
        deadline_s: From now, after which no further run begins.

    Returns:
        Whether a difference was seen, in words that may be shown. Where the runs or the time did not do: cannot tell.

    Raises:
        EngineError, LinkError: The machine failed; ask again.
    """
    try:
        return await PairedRuns(observe, before, most_runs=most_runs, deadline_s=deadline_s).compare(after)
    except Exhausted:
        return Comparison(None, f"{most_runs} runs and the time that was given did not do")


def _key(files: Files) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(hashlib.sha256(path.encode(errors="surrogateescape")).digest())
        digest.update(hashlib.sha256(files[path]).digest())
    return digest.hexdigest()
