"""Turns the policy's next proposal into a trial: arguments into edits, edits into a committed tree.

A proposal that makes a tree which was run already is written down as a duplicate and never runs; one that the plugin
rejects is written down with its reason. The policy sees both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import PluginError
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Role
from nightlab.controller.search.policy import Candidate, Policy, Proposal
from nightlab.controller.store import TrialRecord
from nightlab.controller.study.edits import Edited, Editor
from nightlab.controller.study.past import past_of
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.seeds import search_seed

WASTED_LIMIT: Final = 50  # proposals in a row that could not be run
NOT_COUNTED: Final = frozenset({Verdict.DUPLICATE, Verdict.REJECTED, Verdict.NO_EFFECT})


class Proposer:
    """Makes search trials of one study."""

    def __init__(
        self,
        config: Config,
        scribe: Scribe,
        editor: Editor,
        policy: Policy,
        offered: Sequence[OfferedAction],
        base: Tree,
    ) -> None:
        self._config = config
        self._scribe = scribe
        self._editor = editor
        self._policy = policy
        self._base = base
        self._candidates = tuple(candidate(action) for action in offered if action.sampleable)

    async def propose(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """Plan the next search trial; None if the budget is spent or nothing new is left."""
        for _ in range(WASTED_LIMIT):
            counted = sum(t.role is Role.SEARCH and t.verdict not in NOT_COUNTED for t in trials)
            if counted >= self._config.budget.trials:
                return None
            number = trials[-1].number + 1
            proposal = self._policy.propose(self._candidates, past_of(self._config, self._scribe, trials), number)
            if proposal is None:
                return None
            trial = await self._make(proposal, number)
            if trial.verdict is None:
                return trial
            trials = self._scribe.trials()
        return None

    async def _make(self, proposal: Proposal, number: int) -> TrialRecord:
        seed = search_seed(self._config.noise)
        try:
            edited = await self._editor.apply(proposal.call, self._base, request_id=f"{number}", seed=number)
        except PluginError as error:
            planned = self._plan(proposal, Edited(self._base, ""), None, seed)
            return self._scribe.judge_trial(planned.number, Verdict.REJECTED, str(error))
        if edited.rejection:
            planned = self._plan(proposal, edited, None, seed)
            return self._scribe.judge_trial(planned.number, Verdict.REJECTED, edited.rejection[0].summary)
        runs = await self._editor.with_seed(edited.tree, self._config.noise.seed, seed)
        twin = self._twin(runs.digest)
        planned = self._plan(proposal, edited, runs, seed)
        if twin is not None:
            return self._scribe.judge_trial(planned.number, Verdict.DUPLICATE, f"the same tree as trial {twin}")
        return planned

    def _plan(self, proposal: Proposal, edited: Edited, runs: Tree | None, seed: int | None) -> TrialRecord:
        facts: dict[str, object] = {}
        if runs is not None:
            self._scribe.store.add_tree(edited.tree, base=self._base)
            self._scribe.store.add_tree(runs, base=self._base)
            facts = {"tree_digest": edited.tree.digest, "run_digest": runs.digest, "run_seed": seed}
        trial = self._scribe.plan_trial(
            Role.SEARCH, parent=0, call=proposal.call, proposal=proposal.reason, summary=edited.summary, **facts
        )
        if runs is not None:
            self._commit(trial, edited)
        return trial

    def _commit(self, trial: TrialRecord, edited: Edited) -> None:
        assert trial.call is not None
        base = self._scribe.store.edits(self._scribe.study_id, 0)
        trailers: Mapping[str, str] = {"Study": self._scribe.study_id, "Trial": str(trial.number)}
        commit = self._editor.commit(
            edited.tree,
            parent=base[0].commit_id if base else None,
            author=trial.call.author,
            message=edited.summary or f"{trial.call.plugin}/{trial.call.action}",
            trailers={**trailers, "Tree-Digest": edited.tree.digest},
        )
        self._editor.mark(trial.study_id, trial.number, commit)
        self._scribe.add_edit(
            trial.number,
            0,
            author=trial.call.author,
            commit_id=commit,
            digest=edited.tree.digest,
            summary=edited.summary,
        )

    def _twin(self, run_digest: str) -> int | None:
        """Return the trial that ran this very tree on the same seed; repeats for noise are exempt by their role."""
        ran = (t for t in self._scribe.trials() if t.run_digest == run_digest and t.role is not Role.CONFIRM)
        return next((t.number for t in ran if t.verdict is not Verdict.DUPLICATE), None)


def candidate(action: OfferedAction) -> Candidate:
    """Return what the policy is told about an action."""
    properties = action.schema.get("properties", {})
    assert isinstance(properties, Mapping)
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return Candidate(action.plugin, action.action, action.schema, action.schema_digest, defaults)
