"""The loop of a night: keeps every slot busy, settles what comes back, and knows when to stop.

One task decides everything, so no two decisions can cross: it starts attempts, waits for the first to end, settles it,
and starts more. What to run next is `study.agenda`'s word, what a result means `study.judge`'s; running one is
`trial.walk`'s. The intent is in the store before anything is started, so a killed night goes on where it was.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog

from nightlab.controller.errors import NightlabError, StudyStopped
from nightlab.controller.model.site import Share
from nightlab.controller.model.trial import Ending, TrialOutcome
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.study.agenda import Agenda
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.runner import Runner
from nightlab.controller.study.scribe import Scribe

log: Final = structlog.get_logger()
MAX_ATTEMPTS: Final = 3  # a trial that the machine lost three times is closed as lost
CHECKPOINT_S: Final = 5.0


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
        runner: Runner,
        shares: tuple[Share, ...],
        stop: Stop,
    ) -> None:
        self._scribe = scribe
        self._agenda = agenda
        self._judge = judge
        self._runner = runner
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
                await self._fill()
                if not self._running:
                    return
                await self._settle_some()
        finally:
            await self._end_running()
            self._scribe.spend()

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

    async def _settle_some(self) -> None:
        stop = asyncio.create_task(self._stop.changed.wait())
        waiting = {*self._running, stop}
        done, _ = await asyncio.wait(waiting, timeout=CHECKPOINT_S, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        self._scribe.spend()
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
        if outcome.ending is Ending.STOPPED and self._stop.now:
            return  # not the trial's fault: a resumed study tries again
        if outcome.ending is Ending.LOST and attempt.attempt < MAX_ATTEMPTS:
            log.warning("trial.lost", number=trial.number, attempt=attempt.attempt, reason=outcome.reason)
            self._agenda.again(trial)
            return
        self._judge.settle(trial, outcome)
        self._stop_if_hopeless()

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
                if outcome.ending is not Ending.STOPPED:
                    self._judge.settle(trial, outcome)
            except NightlabError as error:  # the next sitting finds it open; the others are still to be ended
                log.warning("trial.stop_failed", number=trial.number, reason=str(error))
