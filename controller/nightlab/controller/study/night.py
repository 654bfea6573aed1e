"""The loop of a night: keeps every slot busy, settles what comes back, and knows when to stop.

One task decides everything, so no two decisions can cross: it starts attempts, waits for the first to end, settles it,
and starts more. What to run next is `study.agenda`'s word, what a result means `study.judge`'s; running one is
`trial.walk`'s. The intent is in the store before anything is started, so a killed night goes on where it was.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from nightlab.controller.errors import NightlabError, StudyStopped
from nightlab.controller.model.site import Share
from nightlab.controller.model.trial import Ending, TrialOutcome
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.study.agenda import Agenda
from nightlab.controller.study.drifts import Drifts
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.plugins import PluginBook
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.smoking import Attempts

log: Final = structlog.get_logger()
MAX_ATTEMPTS: Final = 3  # a trial that the machine lost three times is closed as lost
CHECKPOINT_S: Final = 5.0
GRACE_S: Final = 300.0  # for what is still to be proven when nothing else is left to do


@dataclass
class Stop:
    """How far somebody asked the night to stop.

    Attributes:
        running: The loop has begun; before that there is nothing to drain.
        draining: Begin nothing new; what runs may end.
        now: End what runs; it can be resumed.
        changed: Wakes the loop.
    """

    running: bool = False
    draining: bool = False
    now: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """Drain at the first call, stop at the second."""
        self.now = self.draining
        self.draining = True
        self.changed.set()

    def ask_now(self) -> None:
        """Stop at once."""
        self.draining = self.now = True
        self.changed.set()


class Night:
    """One sitting of a study, from start or resume to its end."""

    def __init__(
        self,
        *,
        scribe: Scribe,
        agenda: Agenda,
        judge: Judge,
        runner: Attempts,
        redress: Redress,
        drifts: Drifts,
        shares: tuple[Share, ...],
        stop: Stop,
        grace_s: float = GRACE_S,
        plugins: PluginBook | None = None,
    ) -> None:
        self._scribe = scribe
        self._agenda = agenda
        self._judge = judge
        self._runner = runner
        self._redress = redress
        self._drifts = drifts
        self._plugins = plugins
        self._grace_s = grace_s
        self._free = list(shares)
        self._stop = stop
        self._running: dict[asyncio.Task[TrialOutcome], tuple[TrialRecord, AttemptRecord, Share]] = {}

    async def run(self, adopted: tuple[AttemptRecord, ...] = ()) -> None:
        """Run until the agenda is empty or somebody stops it.

        Args:
            adopted: Attempts of an earlier sitting whose containers still run.

        Raises:
            StudyStopped: It cannot go on; what ran is settled.
        """
        self._stop.running = True
        for attempt in adopted:
            self._adopt(attempt)
        try:
            while True:
                await self._redress.settle()
                if self._plugins is not None:
                    await self._plugins.tell()
                await self._fill()
                if not self._running and not await self._wait_for_proofs():
                    return
                if self._running:
                    await self._settle_some()
        finally:
            await self._redress.prover.stop()
            await self._end_running()
            if self._plugins is not None:
                await self._plugins.close()
            self._scribe.spend()

    async def _wait_for_proofs(self) -> bool:
        """Give proofs that are left at the end a bounded time; False once the night is over."""
        if self._stop.draining or not (self._redress.prover.open() or self._redress.prover.proven()):
            return False
        if self._grace_s <= 0 or not self._redress.prover.is_able:
            await self._redress.prover.stop()
            self._redress.close("the night ended first")
            return True
        began = time.monotonic()
        await self._wait(min(CHECKPOINT_S, self._grace_s))
        self._grace_s -= time.monotonic() - began
        return True

    async def _fill(self) -> None:
        while self._free and not self._stop.draining:
            trial = await self._agenda.next(tuple(t for t, _, _ in self._running.values()))
            if trial is None:
                return
            self._begin(trial, self._free.pop(0))

    def _begin(self, trial: TrialRecord, share: Share) -> None:
        attempt = self._scribe.begin_attempt(trial, share)
        task = asyncio.create_task(self._runner.run(trial, attempt, share), name=attempt.container)
        self._running[task] = (trial, attempt, share)

    def _adopt(self, attempt: AttemptRecord) -> None:
        share = next((s for s in self._free if s.slot == attempt.slot), None) or self._free[0]
        self._free.remove(share)
        trial = self._scribe.trial(attempt.number)
        task = asyncio.create_task(self._runner.resume(trial, attempt, share), name=attempt.container)
        self._running[task] = (trial, attempt, share)

    async def _wait(self, timeout_s: float) -> set[asyncio.Task[Any]]:
        """Wait until an attempt or a proof ends or somebody asks to stop; return what is done."""
        stop: asyncio.Task[Any] = asyncio.create_task(self._stop.changed.wait())
        proof = self._redress.prover.task
        waiting: set[asyncio.Task[Any]] = {*self._running, stop, *([proof] if proof is not None else [])}
        done, _ = await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        self._scribe.spend()
        return done

    async def _settle_some(self) -> None:
        done = await self._wait(CHECKPOINT_S)
        for task in [task for task in self._running if task in done]:
            await self._settle(task)
        if self._stop.changed.is_set():
            self._stop.changed.clear()
            if self._stop.now:
                await self._end_running()

    async def _settle(self, task: asyncio.Task[TrialOutcome]) -> None:
        trial, attempt, share = self._running.pop(task)
        self._free.append(share)
        self._free.sort(key=lambda s: s.slot)
        outcome = task.result()
        self._scribe.end_attempt(attempt, outcome)
        self._drifts.tell(trial, attempt, outcome)
        if outcome.ending is Ending.STOPPED and self._stop.now:
            return  # not the trial's fault: a resumed study tries again
        if outcome.ending is Ending.LOST and self._times_lost(trial) < MAX_ATTEMPTS:
            log.warning("trial.lost", number=trial.number, attempt=attempt.attempt, reason=outcome.reason)
            self._agenda.again(trial)
            return
        if await self._redress.doubts(trial, outcome):
            return  # its verdict waits for a proof
        self._judge.settle(trial, outcome)
        self._stop_if_hopeless()

    def _times_lost(self, trial: TrialRecord) -> int:
        attempts = self._scribe.store.attempts(trial.study_id, trial.number)
        return sum(attempt.ending is Ending.LOST for attempt in attempts)

    def _stop_if_hopeless(self) -> None:
        reason = self._agenda.hopeless()
        if reason:
            raise StudyStopped(reason)

    async def _end_running(self) -> None:
        """End every attempt that still runs, and store that it was stopped."""
        for task in self._running:
            self._runner.stop(self._running[task][1].container)
        for task in list(self._running):
            trial, attempt, share = self._running.pop(task)
            self._free.append(share)
            try:
                outcome = await task
                self._scribe.end_attempt(attempt, outcome)
                self._drifts.tell(trial, attempt, outcome)
                if outcome.ending is not Ending.STOPPED and not await self._redress.doubts(trial, outcome):
                    self._judge.settle(trial, outcome)
            except NightlabError as error:  # the next sitting finds it open; the others are still to be ended
                log.warning("trial.stop_failed", number=trial.number, reason=str(error))
