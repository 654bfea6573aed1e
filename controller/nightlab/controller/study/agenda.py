"""What to run next: what was begun, then baselines, confirmations, and new proposals.

Everything is read from the store at each call, so a resumed night goes on with the same agenda. A trial is open while
it has no verdict: not run yet if it has no end either, else waiting for its confirmation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Role
from nightlab.controller.store import EditRecord, TrialRecord
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.proposer import Proposer
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.seeds import baseline_seed, confirm_seeds
from nightlab.controller.study.twins import canonical_digest

BASELINE_FAILURES: Final = 3  # the night ends when so many baseline runs have failed
FIRST_BASELINE_FAILURES: Final = 2  # and sooner while none has worked
ORDER: Final = {Role.BASELINE: 0, Role.CONFIRM: 1, Role.SEARCH: 2}
FAILED: Final = frozenset({Verdict.CRASH, Verdict.INFEASIBLE, Verdict.VOID, Verdict.LOST, Verdict.REJECTED})


class Agenda:
    """Plans the trials of one study."""

    def __init__(
        self, config: Config, scribe: Scribe, editor: Editor, proposer: Proposer, redress: Redress, base: Tree
    ) -> None:
        self._config = config
        self._redress = redress
        self._scribe = scribe
        self._editor = editor
        self._proposer = proposer
        self._base = base

    async def next(self, running: Sequence[TrialRecord]) -> TrialRecord | None:
        """Return the next trial to run, written to the store; None if there is nothing to begin now."""
        trials = self._scribe.trials()
        begun = {trial.number for trial in running}
        taken = begun | self._scribe.held()
        open_trials = [t for t in trials if t.verdict is None and t.ended_unix_ms is None and t.number not in taken]
        if open_trials:
            return min(open_trials, key=lambda t: (ORDER[t.role], t.number))
        if any(t.verdict is Verdict.BASELINE for t in trials) and self._config.budget.trials:
            await self._redress.ask_base()
        if not self._baselines_done(trials):
            return await self._baseline(trials)
        if self._scribe.spent_s >= self._config.budget.wall_time:
            return None
        return await self._confirmation(trials) or await self._proposer.propose(trials)

    def again(self, trial: TrialRecord) -> None:
        """Take up a trial again that the machine lost; it is open, so `next` finds it."""
        self._scribe.progress.note(f"trial {trial.number} was lost by the machine; it runs again")

    def hopeless(self) -> str:
        """Say why the night cannot go on; empty if it can."""
        trials = self._scribe.trials()
        baselines = [t for t in trials if t.role is Role.BASELINE]
        failed = [t for t in baselines if t.verdict in FAILED]
        worked = any(t.verdict is Verdict.BASELINE for t in baselines)
        if len(failed) >= (BASELINE_FAILURES if worked else FIRST_BASELINE_FAILURES):
            return f"the baseline does not run ({len(failed)} of {len(baselines)} runs failed): {failed[-1].reason}"
        limit = self._config.budget.failures_in_a_row
        ran = (t for t in trials if t.role is Role.SEARCH and t.verdict is not None and t.tree_digest is not None)
        last = [t.verdict for t in ran][-limit:]  # a proposal without a tree cost nothing
        if len(last) == limit and all(verdict in FAILED for verdict in last):
            return f"{limit} trials failed one after another; see `nightlab trial list`"
        return ""

    # Baselines

    def _baselines_done(self, trials: Sequence[TrialRecord]) -> bool:
        return sum(t.verdict is Verdict.BASELINE for t in trials) >= self._config.noise.repeats

    async def _baseline(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        baselines = [t for t in trials if t.role is Role.BASELINE]
        worked = [t for t in baselines if t.verdict is Verdict.BASELINE]
        running = [t for t in baselines if t.verdict is None]
        # The first one runs alone: where it cannot run, nothing else is worth a minute.
        if (running and not worked) or len(worked) + len(running) >= self._config.noise.repeats:
            return None
        taken = {t.run_seed for t in (*worked, *running)}
        seeds = (baseline_seed(self._config.noise, k) for k in range(self._config.noise.repeats))
        seed = next((seed for seed in seeds if seed not in taken), None)
        parent = worked[0].number if worked else None
        return await self._plan(Role.BASELINE, self._base, seed, parent=parent, edits=() if trials else [self._root()])

    def _root(self) -> EditRecord:
        """Commit the base tree, on which every trial's edits go."""
        study = self._scribe.study()
        commit = self._editor.commit(
            self._base,
            parent=None,
            author="base",
            message=f"base tree of study {study.id}",
            trailers={"Study": study.id, "Head": study.head or "none", "Tree-Digest": self._base.digest},
        )
        return EditRecord(study.id, 0, 0, "base", commit, self._base.digest, "the base tree")

    # Confirmations

    async def _confirmation(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """Plan one missing run of the oldest trial that waits; only one at a time, since a keep moves the incumbent."""
        waiting = next((t for t in trials if t.verdict is None and t.ended_unix_ms is not None), None)
        if waiting is None:
            return None
        rival = self._scribe.study().incumbent or 0
        planned = {(t.parent, t.run_seed) for t in trials if t.role is Role.CONFIRM and t.subject == waiting.number}
        for seed in confirm_seeds(self._config.noise, waiting.number):
            for number in (waiting.number, rival):
                if (number, seed) not in planned:
                    tree = self._scribe.store.tree(self._scribe.trial(number).tree_digest or "")
                    return await self._plan(Role.CONFIRM, tree, seed, parent=number, subject=waiting.number)
        return None

    async def _plan(
        self,
        role: Role,
        tree: Tree,
        seed: int | None,
        *,
        parent: int | None,
        subject: int | None = None,
        edits: Sequence[EditRecord] = (),
    ) -> TrialRecord:
        runs = await self._editor.with_seed(tree, self._config.noise.seed, seed)
        self._scribe.store.add_tree(tree, base=None if tree == self._base else self._base)
        self._scribe.store.add_tree(runs, base=self._base)
        return self._scribe.plan_trial(
            role,
            edits,
            parent=parent,
            subject=subject,
            run_seed=seed,
            tree_digest=tree.digest,
            run_digest=runs.digest,
            canonical=canonical_digest(self._base.digest, {}, seed) if tree == self._base else None,
        )
