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
from nightlab.controller.study.fixing import Fixed, Fixer, Step
from nightlab.controller.study.past import past_of
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.seeds import search_seed
from nightlab.controller.study.twins import Twins, twin_of

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
        twins: Twins,
        fixer: Fixer,
        redress: Redress,
    ) -> None:
        self._config = config
        self._scribe = scribe
        self._editor = editor
        self._policy = policy
        self._base = base
        self._twins = twins
        self._fixer = fixer
        self._redress = redress
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
            planned = self._plan(proposal, Edited(self._base, ""))
            return self._scribe.judge_trial(planned.number, Verdict.REJECTED, str(error))
        if edited.rejection:
            planned = self._plan(proposal, edited)
            return self._scribe.judge_trial(planned.number, Verdict.REJECTED, edited.rejection[0].summary)
        canonical = await self._twins.canonical(edited.tree, seed)
        runs = await self._editor.with_seed(edited.tree, self._config.noise.seed, seed)
        twin = twin_of(self._scribe.trials(), canonical, runs.digest)
        if twin is not None:
            planned = self._plan(proposal, edited, runs, seed, canonical)
            same = "same tree as" if twin.run_digest == runs.digest else "same program, comments and format aside, as"
            return self._scribe.judge_trial(planned.number, Verdict.DUPLICATE, f"the {same} trial {twin.number}")
        fixed = await self._fixer.fix(edited.tree, self._base)
        runs = await self._editor.with_seed(fixed.tree, self._config.noise.seed, seed)
        planned = self._plan(proposal, edited, runs, seed, canonical, fixed)
        await self._redress.ask_fixes(planned.number, fixed, seed)
        return planned

    def _plan(
        self,
        proposal: Proposal,
        edited: Edited,
        runs: Tree | None = None,
        seed: int | None = None,
        canonical: str | None = None,
        fixed: Fixed | None = None,
    ) -> TrialRecord:
        """Write a trial: with a tree to run, or as a proposal that came to nothing."""
        facts: dict[str, object] = {}
        fixed = fixed or Fixed(edited.tree)
        if runs is not None:
            for tree in (edited.tree, *(step.tree for step in fixed.steps), runs):
                self._scribe.store.add_tree(tree, base=self._base)
            facts = {"tree_digest": fixed.tree.digest, "run_digest": runs.digest, "run_seed": seed}
            facts |= {"canonical": canonical, "fixes": fixed.fixes}
        trial = self._scribe.plan_trial(
            Role.SEARCH, parent=0, call=proposal.call, proposal=proposal.reason, summary=edited.summary, **facts
        )
        if runs is not None:
            self._commit(trial, edited, fixed)
        return trial

    def _commit(self, trial: TrialRecord, edited: Edited, fixed: Fixed) -> None:
        """Commit the action's edit and then each applied fix, every one with its author."""
        assert trial.call is not None
        base = self._scribe.store.edits(self._scribe.study_id, 0)
        own = edited.summary or f"{trial.call.plugin}/{trial.call.action}"
        parent = base[0].commit_id if base else None
        for ordinal, step in enumerate((Step(trial.call.author, edited.tree, own), *fixed.steps)):
            trailers = {"Study": self._scribe.study_id, "Trial": str(trial.number), "Tree-Digest": step.tree.digest}
            parent = self._editor.commit(
                step.tree, parent=parent, author=step.author, message=step.summary, trailers=trailers
            )
            self._scribe.add_edit(
                trial.number,
                ordinal,
                author=step.author,
                commit_id=parent,
                digest=step.tree.digest,
                summary=step.summary if ordinal else edited.summary,
            )
        assert parent is not None
        self._editor.mark(trial.study_id, trial.number, parent)


def candidate(action: OfferedAction) -> Candidate:
    """Return what the policy is told about an action."""
    properties = action.schema.get("properties", {})
    assert isinstance(properties, Mapping)
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return Candidate(action.plugin, action.action, action.schema, action.schema_digest, defaults)
