"""Writes down what happens in one study: intents before effects, outcomes after, and a line for whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.site import Share
from nightlab.controller.model.trial import GateReport, Phase, Role, TrialOutcome, Usage
from nightlab.controller.report.progress import Progress
from nightlab.controller.store import (
    AttemptRecord,
    EditRecord,
    EventRecord,
    ProofKind,
    ProofState,
    Store,
    StudyRecord,
    TrialRecord,
)
from nightlab.controller.store.state_dir import StateDir

log: Final = structlog.get_logger()


def unix_ms() -> int:
    """Return the wall clock, for people and for ordering across sittings; no duration is made from it."""
    return time.time_ns() // 1_000_000


class Scribe:
    """The one writer of a study's rows."""

    def __init__(
        self,
        store: Store,
        study_id: str,
        state: StateDir,
        progress: Progress,
        *,
        clock: Callable[[], int] = unix_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.study_id = study_id
        self.state = state
        self.progress = progress
        self.on_judged: Callable[[int], None] = lambda _number: None
        self._clock = clock
        self._monotonic = monotonic
        self._mark = monotonic()
        self._spent_s = store.study(study_id).spent_s

    def study(self) -> StudyRecord:
        """Return the study as stored."""
        return self.store.study(self.study_id)

    def trial(self, number: int) -> TrialRecord:
        """Return a trial as stored."""
        return self.store.trial(self.study_id, number)

    def trials(self) -> list[TrialRecord]:
        """Return all trials as stored."""
        return self.store.trials(self.study_id)

    @property
    def spent_s(self) -> float:
        """Seconds that the study has run, over all sittings."""
        return self._spent_s

    def spend(self, *, preparing: bool = False) -> None:
        """Add the time since the last call to what the study has run; a suspended machine's clock does not count."""
        now = self._monotonic()
        passed, self._mark = now - self._mark, now
        self._spent_s += passed
        facts = {"prepared_s": self.study().prepared_s + passed} if preparing else {}
        self.store.update_study(self.study_id, spent_s=self._spent_s, **facts)

    def next_number(self) -> int:
        """Return the number that the next trial has."""
        trials = self.trials()
        return trials[-1].number + 1 if trials else 0

    def plan_trial(self, role: Role, edits: Sequence[EditRecord] = (), **facts: Any) -> TrialRecord:
        """Write the intent to run a trial; its number is the next one.

        Args:
            role: Why it is run.
            edits: That its tree is made of; they are written with it or not at all.
            facts: Further columns.
        """
        record = TrialRecord(self.study_id, self.next_number(), role, self._clock(), **facts)
        self.store.add_trial(record, edits)
        return record

    def write_judged(
        self, verdict: Verdict, reason: str, edits: Sequence[EditRecord] = (), **facts: Any
    ) -> TrialRecord:
        """Write a search trial that needs no run; arguments as of `plan_trial`."""
        ended = {"verdict": verdict, "reason": reason, "ended_unix_ms": self._clock()}
        trial = self.plan_trial(Role.SEARCH, edits, **ended, **facts)
        self._tell_judged(trial.number, verdict, reason)
        return trial

    def update_trial(self, number: int, **facts: Any) -> TrialRecord:
        """Set some columns of a trial and return it."""
        self.store.update_trial(self.study_id, number, **facts)
        return self.trial(number)

    def add_edit(self, number: int, ordinal: int, *, author: str, commit_id: str, digest: str, summary: str) -> None:
        """Write one edit of a trial."""
        self.store.add_edit(EditRecord(self.study_id, number, ordinal, author, commit_id, digest, summary))

    def begin_attempt(self, trial: TrialRecord, share: Share) -> AttemptRecord:
        """Write the intent to begin the next attempt at a trial."""
        attempt = len(self.store.attempts(self.study_id, trial.number)) + 1
        record = AttemptRecord(
            study_id=self.study_id,
            number=trial.number,
            attempt=attempt,
            phase=Phase.PLANNED,
            container=f"nightlab-{self.study_id}-t{trial.number}-a{attempt}",
            started_unix_ms=self._clock(),
            slot=share.slot,
            resources={"cpuset": share.cpuset, "gpu_uuids": list(share.gpu_uuids)},
            log_path=str(self.state.log(self.study_id, trial.number, attempt).relative_to(self.state.root)),
        )
        self.store.add_attempt(record)
        self.progress.phase(trial.number, attempt, Phase.PLANNED, what_it_tries(trial))
        return record

    def phase(self, attempt: AttemptRecord, phase: Phase, text: str = "") -> None:
        """Write that an attempt comes to its next phase, before it does."""
        facts: dict[str, Any] = {"phase": phase}
        if phase is Phase.RUNNING:
            facts["launched_unix_ms"] = self._clock()
        self.store.update_attempt(self.study_id, attempt.number, attempt.attempt, **facts)
        self.progress.phase(attempt.number, attempt.attempt, phase, text)

    def keep_gate(self, attempt: AttemptRecord, gate: GateReport) -> None:
        """Write what the gate saw so far, for a controller that takes the attempt over."""
        self.store.update_attempt(self.study_id, attempt.number, attempt.attempt, gate=gate)

    def end_attempt(self, attempt: AttemptRecord, outcome: TrialOutcome) -> None:
        """Write what an attempt came to."""
        self.store.update_attempt(
            self.study_id,
            attempt.number,
            attempt.attempt,
            phase=Phase.ENDED,
            ended_unix_ms=self._clock(),
            ending=outcome.ending,
            exit_code=outcome.exit_code,
            reason=outcome.reason,
            gate=outcome.gate,
            usage=outcome.usage,
            posture=dict(outcome.posture),
            outputs=dict(outcome.outputs),
            added_importable=list(outcome.added_importable),
        )
        log.info(
            "attempt.ended",
            number=attempt.number,
            attempt=attempt.attempt,
            ending=outcome.ending.value,
            wall_s=round(outcome.usage.wall_s, 3),
        )

    def last_outcome(self, number: int) -> TrialOutcome | None:
        """Return what a trial's last attempt came to, as it was stored; None if none has ended."""
        attempts = [a for a in self.store.attempts(self.study_id, number) if a.ending is not None]
        if not attempts or (last := attempts[-1]).ending is None:
            return None
        return TrialOutcome(
            ending=last.ending,
            exit_code=last.exit_code,
            measurements=tuple(self.store.measurements(self.study_id).get(number, {}).values()),
            gate=last.gate or GateReport(),
            usage=last.usage or Usage(),
            posture=last.posture or {},
            reason=last.reason,
            log_path=last.log_path,
            added_importable=last.added_importable,
            outputs=last.outputs,
        )

    def held(self) -> frozenset[int]:
        """Return the trials that wait for a proof: not open, and without a verdict."""
        waits = (ProofState.OPEN, ProofState.PROVEN)
        proofs = (p for p in self.store.proofs(self.study_id) if p.kind is ProofKind.TRIAL and p.state in waits)
        return frozenset(proof.trial for proof in proofs if proof.trial is not None)

    def judge_trial(self, number: int, verdict: Verdict, reason: str, **facts: Any) -> TrialRecord:
        """Write a trial's verdict, its only one."""
        trial = self.update_trial(number, verdict=verdict, reason=reason, ended_unix_ms=self._clock(), **facts)
        self._tell_judged(number, verdict, reason)
        return trial

    def await_confirmation(self, number: int, reason: str, **facts: Any) -> TrialRecord:
        """Write that a trial ran well enough to be run again on fresh seeds before it is judged."""
        return self.update_trial(number, reason=reason, ended_unix_ms=self._clock(), **facts)

    def note(self, kind: str, text: str, number: int | None = None, **facts: Any) -> None:
        """Write a line that a person should see in the morning."""
        self.store.add_event(EventRecord(self.study_id, self._clock(), kind, text, number, facts))
        self.progress.note(text)

    def _tell_judged(self, number: int, verdict: Verdict, reason: str) -> None:
        log.info("trial.judged", number=number, verdict=verdict.value, reason=reason)
        self.on_judged(number)


def what_it_tries(trial: TrialRecord) -> str:
    """Say in one line why a trial is run."""
    seed = "" if trial.run_seed is None else f", seed {trial.run_seed}"
    if trial.role is Role.BASELINE:
        return f"baseline{seed}"
    if trial.role is Role.CONFIRM:
        return f"runs trial {trial.parent} again to confirm trial {trial.subject}{seed}"
    return trial.summary or trial.proposal
