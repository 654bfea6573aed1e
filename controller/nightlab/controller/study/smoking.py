"""The smoke run before a launch: once for each new tree, on the trial's own share, and cheap when it fails.

Stands between the loop and what runs attempts. How a smoke run is made belongs to `trial.smoke`; this module decides
whether one is due and what its end means for the trial.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final, Protocol

import structlog

from nightlab.controller.config.measures import Observed
from nightlab.controller.config.schema import Config
from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import EngineError, LinkError, PostureError, StudyStopped
from nightlab.controller.model.score import Measurement, Trust
from nightlab.controller.model.site import Share
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Ending, GateReport, Phase, Role, SmokeReport, TrialOutcome, Usage
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.study.runner import lost
from nightlab.controller.study.scribe import Scribe

log: Final = structlog.get_logger()


class Attempts(Protocol):
    """Runs attempts of stored trials; see `study.runner.Runner`."""

    async def run(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Run an attempt from its spawn."""
        ...

    async def resume(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Go on with an attempt that runs already."""
        ...

    def stop(self, container: str) -> None:
        """Ask an attempt to end now."""
        ...


class Reported(Protocol):
    """What a smoke run came to."""

    @property
    def report(self) -> SmokeReport:
        """How it ended and what it took."""
        ...


class Smoker(Protocol):
    """Makes smoke runs; see `trial.smoke.SmokeRunner`."""

    async def run(self, tree: Tree, share: Share, *, name: str, run_seed: int | None, stop: asyncio.Event) -> Reported:
        """Run a tree for a short while in a container of its own."""
        ...


class SmokeStage:
    """Runs attempts, each new tree's first one after a smoke run."""

    def __init__(self, config: Config, scribe: Scribe, inner: Attempts, smoker: Smoker | None) -> None:
        self._config = config
        self._scribe = scribe
        self._inner = inner
        self._smoker = smoker if config.smoke.enabled else None
        self._stops: dict[str, asyncio.Event] = {}

    async def run(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Run an attempt from its spawn; where its tree is new, from its smoke run.

        Raises:
            StudyStopped: The engine does not give the isolation that the policy asks for.
        """
        report = None
        if self._smoker is not None and self._is_due(trial):
            self._scribe.phase(attempt, Phase.SMOKING)
            try:
                report = await self._smoke(self._smoker, trial, attempt, share)
            except PostureError as error:
                raise StudyStopped(f"trial {trial.number} was not started: {error}", hint=error.hint) from error
            except (EngineError, LinkError) as error:
                log.warning("attempt.lost", number=trial.number, attempt=attempt.attempt, reason=str(error))
                return lost(f"smoke run: {error}")
            refused = refusal(self._config, report)
            if refused is not None:
                return _with_gate(refused, report, trial)
            # A controller that is killed during the real run still knows of this one.
            self._scribe.keep_gate(attempt, GateReport(smoke=report, fixes=trial.fixes))
        outcome = await self._inner.run(trial, attempt, share)
        return _with_gate(outcome, report, trial)

    async def resume(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Go on with an attempt whose container an earlier sitting left running."""
        outcome = await self._inner.resume(trial, attempt, share)
        return _with_gate(outcome, attempt.gate.smoke if attempt.gate else None, trial)

    def stop(self, container: str) -> None:
        """Ask an attempt to end now, whichever of its two runs it is in."""
        self._stops.setdefault(container, asyncio.Event()).set()
        self._inner.stop(container)

    async def _smoke(self, smoker: Smoker, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> SmokeReport:
        stop = self._stops.setdefault(attempt.container, asyncio.Event())
        tree = self._scribe.store.tree(trial.run_digest or "")
        try:
            name = f"t{attempt.number}-a{attempt.attempt}-smoke"
            return (await smoker.run(tree, share, name=name, run_seed=trial.run_seed, stop=stop)).report
        finally:
            self._stops.pop(attempt.container, None)

    def _is_due(self, trial: TrialRecord) -> bool:
        """Whether the trial's tree neither ran nor was smoked yet; a repeat for noise runs what ran before."""
        if trial.role is Role.CONFIRM:
            return False
        same = {t.number for t in self._scribe.trials() if t.tree_digest == trial.tree_digest}
        attempts = (a for a in self._scribe.store.attempts(self._scribe.study_id) if a.number in same)
        return not any(_has_run(attempt) for attempt in attempts)


def refusal(config: Config, report: SmokeReport) -> TrialOutcome | None:
    """Return the outcome of a trial that its smoke run stops; None if it may be launched."""
    if report.ending is not Ending.FINISHED:
        return _stopped(report.ending, f"smoke run: {report.reason or report.ending.value}", report)
    peak, memory = report.peak_memory_bytes, config.train.memory
    if peak is not None and peak > memory:
        reason = f"smoke run: its peak memory of {show_bytes(peak)} is beyond train.memory ({show_bytes(memory)})"
        return _stopped(Ending.OUT_OF_MEMORY, reason, report)
    seen = _bounded(config, report)
    for measurement, bound in seen:
        if measurement.value is not None and measurement.value > bound:
            what = f"{show_bytes(int(measurement.value))} is beyond its bound of {show_bytes(int(bound))}"
            found = tuple(each for each, _ in seen)
            return _stopped(Ending.OUT_OF_MEMORY, f"smoke run: {measurement.name} of {what}", report, found)
    return None


def _bounded(config: Config, report: SmokeReport) -> list[tuple[Measurement, float]]:
    """Return what the smoke run tells of each constraint on memory, with its upper bound."""
    peaks = {"peak_memory": report.peak_memory_bytes, "gpu_memory": report.peak_gpu_bytes}
    return [
        (Measurement(c.name, float(peak), Trust.OBSERVED, "largest sampled memory of the smoke run"), c.max)
        for c in config.constraints
        if isinstance(c.measure, Observed) and c.max is not None and (peak := peaks.get(c.measure.quantity)) is not None
    ]


def _stopped(
    ending: Ending, reason: str, report: SmokeReport, measurements: tuple[Measurement, ...] = ()
) -> TrialOutcome:
    usage = Usage(peak_memory_bytes=report.peak_memory_bytes, peak_gpu_bytes=report.peak_gpu_bytes)
    return TrialOutcome(ending, report.exit_code, measurements, GateReport(), usage, {}, reason=reason)


def _with_gate(outcome: TrialOutcome, smoke: SmokeReport | None, trial: TrialRecord) -> TrialOutcome:
    """Add what came before the walk to what the walk saw; the smoke run's time is the attempt's."""
    usage = replace(outcome.usage, wall_s=outcome.usage.wall_s + (smoke.wall_s if smoke else 0.0))
    return replace(outcome, usage=usage, gate=replace(outcome.gate, smoke=smoke, fixes=trial.fixes))


def _has_run(attempt: AttemptRecord) -> bool:
    smoke = attempt.gate.smoke if attempt.gate else None
    return attempt.launched_unix_ms is not None or (smoke is not None and smoke.ending is Ending.FINISHED)
