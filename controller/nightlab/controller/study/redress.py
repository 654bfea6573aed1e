"""What follows from proofs: fixes are let through or stay out, a spoilt trial runs again without the guilty one.

Asks for proofs where a fix waits, where a trial with a let-through fix went bad, and where something had written that
nobody proposed. A result never changes a verdict by itself: the trial's next attempt does. Each step may be repeated
after a kill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from nightlab.controller.config.schema import Config
from nightlab.controller.config.units import show_seconds
from nightlab.controller.model.change import Fix, FixState
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Role, TrialOutcome
from nightlab.controller.store import ProofKind, ProofRecord, ProofState, QuarantineRecord, TrialRecord
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.fixing import Fixed, Fixer, approvals_of, keys_of
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.prover import Prover
from nightlab.controller.study.remaking import Remaking
from nightlab.controller.study.scribe import Scribe, unix_ms
from nightlab.controller.study.seeds import search_seed

log: Final = structlog.get_logger()


class Redress:
    """Asks for the proofs of one study and does what follows from them."""

    def __init__(
        self, config: Config, scribe: Scribe, judge: Judge, prover: Prover, fixer: Fixer, editor: Editor, base: Tree
    ) -> None:
        self.prover = prover
        self._config = config
        self._scribe = scribe
        self._judge = judge
        self._fixer = fixer
        self._remaking = Remaking(config, scribe, fixer, editor, base)
        self._editor = editor
        self._base = base
        self._base_asked = False

    # What is asked

    async def ask_base(self) -> None:
        """Ask for the base tree's own fixes, so that trials need not wait for what every one of them has."""
        if self._base_asked or not self._fixer.is_wanted or not self.prover.is_able:
            return
        self._base_asked = True
        starts = self._editor.entry_points
        paths = [*starts, *(entry.path for entry in self._base.entries if entry.path not in starts)]
        fixed = await self._fixer.fix_files(self._base, paths, self._fixer.approved)
        await self.ask_fixes(0, fixed, search_seed(self._config.noise))

    async def ask_fixes(self, trial: int, fixed: Fixed, run_seed: int | None) -> None:
        """Ask whether all fixes of a tree that wait change what it does; nothing waits for the answer."""
        decided = self._decided()
        waiting = [f for f in fixed.held_back if (keys := keys_of(f.author, f.changes)) and not decided & set(keys)]
        await self._ask_for(waiting, trial, fixed.tree, run_seed)

    async def doubts(self, trial: TrialRecord, outcome: TrialOutcome) -> bool:
        """Ask whether a let-through fix spoilt a trial; if that is asked, the trial waits without a verdict."""
        let = [fix for fix in trial.fixes if fix.state is FixState.LET_THROUGH]
        ailment = self._judge.ailment(outcome) if trial.role is Role.SEARCH and let and self.prover.is_able else ""
        if not ailment:
            return False
        spoilt = tuple({fix.author: None for fix in let if fix.author in self._fixer.quarantined()})
        if spoilt:  # caught on another trial while this one ran
            await self._remaking.take_back(trial, spoilt, "caught on another trial")
            lost_s = self._count_lost(spoilt)
            text = f"trial {trial.number} went bad ({ailment}) with {', '.join(spoilt)}, which is quarantined by now"
            self._scribe.note(
                "proof", f"{text}; it runs again without; {show_seconds(lost_s)} lost so far", trial.number
            )
            return True
        without = await self._remaking.refixed(trial, allow_none=True)
        before = await self._remaking.as_run(without.tree, trial.run_seed)
        after = self._scribe.store.tree(trial.run_digest or "")
        self._scribe.store.set_measurements(trial.study_id, trial.number, outcome.measurements)
        asked = self.prover.ask(
            *(ProofKind.TRIAL, before, after),
            trial=trial.number,
            run_seed=trial.run_seed,
            fixes=let,
            subject=f"trial {trial.number}",
        )
        if asked is not None:
            who = ", ".join(fix.author for fix in let)
            text = f"trial {trial.number} went bad ({ailment}) and carries {who}"
            self._scribe.note("proof", f"{text}: paired smoke runs find out whether it is why", trial.number)
        return asked is not None

    def ask_drift(self, trial: int, before: Tree, after: Tree, run_seed: int | None, subject: str) -> None:
        """Ask what a change would have done that was rolled back."""
        self._scribe.store.add_tree(after, base=self._base)
        self.prover.ask(ProofKind.DRIFT, before, after, trial=trial, run_seed=run_seed, subject=subject)

    # What follows

    async def settle(self) -> None:
        """Do what follows from every result that is there, then begin the next proof."""
        self.prover.collect()
        for record in self.prover.proven():
            await self._follow(record)
            self.prover.settled(record)
        self._free()
        self.prover.begin()

    def close(self, reason: str) -> None:
        """Close what is still to be proven; a trial that waited for it is judged by its run."""
        left = [*self.prover.proven(), *self.prover.open()]
        for record in left:
            self.prover.close(record, reason)
        if left:
            what = ", ".join(dict.fromkeys(record.subject or record.kind.value for record in left))
            self._scribe.note("proof", f"not proven, {reason}: {what}")
        self._free()

    def _free(self) -> None:
        """Judge trials whose proof was closed without a result."""
        for record in self.prover.proofs():
            if record.kind is ProofKind.TRIAL and record.state is ProofState.CLOSED:
                self._judge_as_run(record)

    async def _follow(self, record: ProofRecord) -> None:
        if record.kind is ProofKind.FIX:
            await self._fix_proven(record)
        elif record.kind is ProofKind.TRIAL:
            await self._trial_proven(record)
        else:
            would = {True: "would have changed what it does", False: "no difference seen", None: "cannot tell"}
            self._note(record, f"what was rolled back in {record.subject}: {would[record.differs]}: {record.evidence}")

    # A fix that waited

    async def _fix_proven(self, record: ProofRecord) -> None:
        who = ", ".join(dict.fromkeys(fix.author for fix in record.fixes))
        if record.differs is False:
            for fix in record.fixes:
                self._scribe.store.approve(approvals_of(record.study_id, fix, record.evidence))
            self._note(record, f"{who}: let through from now on: {record.evidence}")
            return
        if record.differs is None:
            self._note(record, f"{who}: held back, paired smoke runs cannot tell: {record.evidence}")
            return
        guilty = _guilty(record)
        if guilty:
            names = ", ".join(dict.fromkeys(fix.author for fix in guilty))
            self._note(record, f"{names}: held back, it changes what the program does: {record.evidence}")
        await self._ask_rest(record, guilty)

    async def _ask_rest(self, record: ProofRecord, guilty: Sequence[Fix]) -> None:
        """Ask again without the guilty ones; where it is not known which are, ask for each half."""
        rest = [fix for fix in record.fixes if fix not in guilty]
        middle = len(rest) // 2
        for part in [rest] if guilty else [rest[:middle], rest[middle:]]:
            tree = self._scribe.store.tree(record.before_digest)
            await self._ask_for(part, record.trial or 0, tree, record.run_seed, as_run=True)

    async def _ask_for(
        self, fixes: Sequence[Fix], trial: int, tree: Tree, run_seed: int | None, *, as_run: bool = False
    ) -> None:
        """Ask for some fixes together, made on a tree one on top of the other."""
        if not fixes or not self.prover.is_able:
            return
        authors = {fix.author for fix in fixes}
        paths = sorted({change.path for fix in fixes for change in fix.changes})
        made = await self._fixer.fix_files(tree, paths, lambda m: "to be proven" if m.author in authors else "")
        before = tree if as_run else await self._remaking.as_run(tree, run_seed)
        after = made.tree if as_run else await self._remaking.as_run(made.tree, run_seed)
        for each in (before, after):
            self._scribe.store.add_tree(each, base=self._base)
        names = ", ".join(dict.fromkeys(fix.author for fix in fixes))
        self.prover.ask(
            ProofKind.FIX, before, after, trial=trial, run_seed=run_seed, fixes=fixes, subject=f"{names} (held back)"
        )

    def _decided(self) -> set[tuple[str, str, str]]:
        """Return the fixes, by their keys, that are or were asked for already."""
        asked = (proof for proof in self.prover.proofs() if proof.kind is ProofKind.FIX)
        return {key for proof in asked for fix in proof.fixes for key in keys_of(fix.author, fix.changes)}

    # A trial that went bad

    async def _trial_proven(self, record: ProofRecord) -> None:
        trial = self._scribe.trial(record.trial if record.trial is not None else -1)
        guilty = _guilty(record) or record.fixes if record.differs else ()
        if not guilty:
            seen = "cannot tell" if record.differs is None else "no"
            self._note(record, f"whether a fix spoilt trial {trial.number}: {seen}: {record.evidence}")
            self._judge_as_run(record)
            return
        if trial.run_digest != record.after_digest or trial.verdict is not None:
            return  # it was done before a kill
        authors = tuple(dict.fromkeys(fix.author for fix in guilty))
        for author in authors:
            facts = (trial.number, unix_ms(), record.evidence, record.hunks)
            self._scribe.store.quarantine(QuarantineRecord(author, trial.study_id, *facts))
        await self._remaking.take_back(trial, authors, record.evidence)
        for other in self.prover.open():  # nobody need prove what is known by now
            if other.kind is ProofKind.TRIAL and other.trial is not None and _shares(other, authors):
                self.prover.close(other, f"{', '.join(authors)} was caught on trial {trial.number}")
                await self._remaking.take_back(self._scribe.trial(other.trial), authors, record.evidence)
        lost_s = self._count_lost(authors)
        also = [str(t.number) for t in self._scribe.trials() if _carries(t, authors)]
        others = f"; trials that ran with it: {', '.join(also)}" if also else ""
        text = f"{', '.join(authors)} changed what trial {trial.number} does ({record.evidence}): caught, reverted and "
        lost = f"quarantined for this repo; {show_seconds(lost_s)} lost; the trial runs again{others}"
        self._note(record, text + lost, lost_s=lost_s, authors=list(authors))

    def _judge_as_run(self, record: ProofRecord) -> None:
        """Give a trial the verdict of the run that it had, unless it has one or runs again."""
        trial = self._scribe.trial(record.trial if record.trial is not None else -1)
        if trial.verdict is None and trial.ended_unix_ms is None and trial.run_digest == record.after_digest:
            outcome = self._scribe.last_outcome(trial.number)
            if outcome is not None:
                self._judge.settle(trial, outcome)

    def _count_lost(self, authors: Sequence[str]) -> float:
        """Write what authors cost: container seconds of attempts whose tree had to be taken back; return the most."""
        spent = self._scribe.store.attempts(self._scribe.study_id)
        trees = {trial.number: trial for trial in self._scribe.trials()}
        sums = dict.fromkeys(authors, 0.0)
        for attempt in spent:
            carried = attempt.gate.fixes if attempt.gate else ()
            for author in {fix.author for fix in carried if fix.state is FixState.LET_THROUGH} & sums.keys():
                if attempt.usage and not _carries(trees[attempt.number], [author]):
                    sums[author] += attempt.usage.wall_s
        for author, lost_s in sums.items():
            self._scribe.store.update_quarantine(author, lost_s=lost_s)
        return max(sums.values(), default=0.0)

    def _note(self, record: ProofRecord, text: str, **facts: object) -> None:
        self._scribe.note("proof", text, record.trial, proof=record.number, **facts)


def _guilty(record: ProofRecord) -> tuple[Fix, ...]:
    """Return the fixes that a proof names; the only one there is needs no name."""
    if len(record.fixes) == 1:
        return record.fixes
    return tuple(fix for fix in record.fixes if any(is_named(fix.author, name) for name in record.guilty))


def is_named(author: str, name: str) -> bool:
    """Say whether "ruff:F841" is meant by "ruff:F841", "ruff:B006,F841" or "F841"."""
    return author == name or author.partition(":")[2] in name.rpartition(":")[2].split(",")


def _shares(record: ProofRecord, authors: Sequence[str]) -> bool:
    return any(fix.author in authors for fix in record.fixes)


def _carries(trial: TrialRecord, authors: Sequence[str]) -> bool:
    return any(fix.author in authors and fix.state is FixState.LET_THROUGH for fix in trial.fixes)
