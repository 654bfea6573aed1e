"""Proves in the background, one thing at a time: paired smoke runs on spare CPU while trials have the machine.

Each proof is a row before it is begun and a row with its result before anything follows from it, so a killed night
begins it again or goes on from its result. What follows belongs to `redress`; how two trees are compared to `proof`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from nightlab.controller.errors import EngineError, LinkError, NightlabError
from nightlab.controller.model.change import Fix
from nightlab.controller.model.tree import Tree
from nightlab.controller.store import ProofKind, ProofRecord, ProofState
from nightlab.controller.study.scribe import Scribe, unix_ms

log: Final = structlog.get_logger()
ORDER: Final = {ProofKind.TRIAL: 0, ProofKind.FIX: 1, ProofKind.DRIFT: 2}
MOST_FAILURES: Final = 2  # a proof that the machine broke so often is closed
HUNKS_CHARS: Final = 20_000


class Result(Protocol):
    """What a proof found out; see `proof.culprit.Proof`."""

    @property
    def differs(self) -> bool | None:
        """Whether the two trees do something else; None: it cannot be told."""
        ...

    @property
    def runs(self) -> int:
        """Program runs that it took."""
        ...

    @property
    def guilty(self) -> tuple[str, ...]:
        """Authors whose changes make the difference."""
        ...

    @property
    def hunks(self) -> str:
        """The smallest guilty change as a diff."""
        ...

    @property
    def evidence(self) -> str:
        """What differed, or how much was compared."""
        ...

    @property
    def wall_s(self) -> float:
        """How long it took."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be proven: the row, both trees as they run, and how many seconds the trial's run took."""

    record: ProofRecord
    before: Tree
    after: Tree
    run_s: float = 0.0


class Examiner(Protocol):
    """Compares two trees by running them; see `study.examiner`."""

    async def examine(self, case: Case) -> Result:
        """Find out whether the trees do the same and which change is guilty if not; leaves nothing when cancelled.

        Raises:
            EngineError, LinkError: The machine failed; it may be tried again.
        """
        ...


class Prover:
    """The proofs of one study."""

    def __init__(self, scribe: Scribe, examiner: Examiner | None) -> None:
        self._scribe = scribe
        self._examiner = examiner
        self._task: asyncio.Task[Result] | None = None
        self._record: ProofRecord | None = None
        self._failures: dict[int, int] = {}

    @property
    def is_able(self) -> bool:
        """Whether proofs can be had at all: without smoke runs there are none."""
        return self._examiner is not None

    @property
    def task(self) -> asyncio.Task[Result] | None:
        """The proof that runs now, to wait for."""
        return self._task

    def ask(
        self,
        kind: ProofKind,
        before: Tree,
        after: Tree,
        *,
        trial: int,
        run_seed: int | None,
        fixes: Sequence[Fix] = (),
        subject: str = "",
    ) -> ProofRecord | None:
        """Write the intent to prove something; None if it was asked before or cannot be proven."""
        if not self.is_able or before.digest == after.digest or self._is_known(kind, before, after, trial, run_seed):
            return None
        number = max((proof.number for proof in self.proofs()), default=-1) + 1
        record = ProofRecord(
            study_id=self._scribe.study_id,
            number=number,
            kind=kind,
            state=ProofState.OPEN,
            before_digest=before.digest,
            after_digest=after.digest,
            created_unix_ms=unix_ms(),
            trial=trial,
            run_seed=run_seed,
            fixes=tuple(fixes),
            subject=subject,
        )
        self._scribe.store.add_proof(record)
        return record

    def proofs(self) -> list[ProofRecord]:
        """Return all proofs of the study as stored."""
        return self._scribe.store.proofs(self._scribe.study_id)

    def open(self) -> list[ProofRecord]:
        """Return what is still to be proven, in the order in which it will be."""
        found = [proof for proof in self.proofs() if proof.state is ProofState.OPEN]
        return sorted(found, key=lambda proof: (ORDER[proof.kind], proof.number))

    def proven(self) -> list[ProofRecord]:
        """Return proofs from whose results nothing followed yet."""
        return [proof for proof in self.proofs() if proof.state is ProofState.PROVEN]

    def begin(self) -> None:
        """Begin the next proof if none runs."""
        waiting = self.open() if self._task is None else []
        if self._examiner is None or not waiting:
            return
        store, record = self._scribe.store, waiting[0]
        self._write(record, begun_unix_ms=unix_ms())
        ran = self._scribe.last_outcome(record.trial) if record.trial is not None else None
        run_s = ran.usage.train_s if ran is not None else 0.0
        case = Case(record, store.tree(record.before_digest), store.tree(record.after_digest), run_s)
        self._record = record
        self._task = asyncio.create_task(self._examiner.examine(case), name=f"proof-{record.number}")

    def collect(self) -> None:
        """Write the result of the proof that ran, if it has one.

        Raises:
            NightlabError: Something broke that another try would not mend.
        """
        if self._task is None or not self._task.done():
            return
        task, record = self._task, self._record
        self._task = self._record = None
        assert record is not None
        try:
            found = task.result()
        except (EngineError, LinkError) as error:
            self._machine_failed(record, error)
            return
        except NightlabError as error:
            self.close(record, str(error))
            return
        self._write(
            record,
            state=ProofState.PROVEN,
            differs=found.differs,
            runs=found.runs,
            guilty=list(found.guilty),
            hunks=found.hunks[:HUNKS_CHARS],
            evidence=found.evidence,
            wall_s=found.wall_s,
            ended_unix_ms=unix_ms(),
        )
        log.info("proof.ended", proof=record.number, kind=record.kind.value, differs=found.differs, runs=found.runs)

    def settled(self, record: ProofRecord) -> None:
        """Write that all that follows from a result has happened."""
        self._write(record, state=ProofState.SETTLED)

    def close(self, record: ProofRecord, reason: str) -> None:
        """Write that a proof will never have a result."""
        self._write(record, state=ProofState.CLOSED, evidence=reason, ended_unix_ms=unix_ms())

    async def stop(self) -> None:
        """End what runs; its row stays open, so that a later sitting begins it again."""
        task, self._task, self._record = self._task, None, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})

    def _machine_failed(self, record: ProofRecord, error: NightlabError) -> None:
        log.warning("proof.lost", proof=record.number, reason=str(error))
        self._failures[record.number] = self._failures.get(record.number, 0) + 1
        if self._failures[record.number] >= MOST_FAILURES:
            self.close(record, f"the machine failed {MOST_FAILURES} times, last: {error}")

    def _is_known(self, kind: ProofKind, before: Tree, after: Tree, trial: int, run_seed: int | None) -> bool:
        """Whether the same was asked before: for a fix or a drift on any trial, for a trial on itself."""
        trees = (kind, before.digest, after.digest)
        same = (p for p in self.proofs() if (p.kind, p.before_digest, p.after_digest) == trees)
        return any(kind is not ProofKind.TRIAL or (p.trial, p.run_seed) == (trial, run_seed) for p in same)

    def _write(self, record: ProofRecord, **facts: Any) -> None:
        self._scribe.store.update_proof(record.study_id, record.number, **facts)
