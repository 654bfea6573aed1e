"""Turns the policy's next proposal into a trial: arguments into edits, edits into a committed tree.

A proposal that makes a tree which was run already is written down as a duplicate and never runs; one that the plugin
rejects is written down with its reason. The policy sees both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import PluginError
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import ACTION_AUTHOR, Role
from nightlab.controller.search.policy import Candidate, Policy, Proposal
from nightlab.controller.store import EditRecord, TrialRecord
from nightlab.controller.study.building import Builder, Built
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.fixing import Fixer, Step
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
        is_available: Callable[[str], bool] = lambda _plugin: True,
    ) -> None:
        """Make a proposer.

        Args:
            config: The study's.
            scribe: Writes its trials.
            editor: Applies actions.
            policy: Chooses them.
            offered: What they fit the base tree with, in the config's order.
            base: The base tree.
            twins: Finds trees that ran already.
            fixer: Makes the wanted fixes.
            redress: Is asked to prove those that wait.
            is_available: Whether a plugin can be asked now; the actions of one in quarantine are not proposed.
        """
        self._config = config
        self._scribe = scribe
        self._editor = editor
        self._policy = policy
        self._base = base
        self._twins = twins
        self._fixer = fixer
        self._redress = redress
        self._is_available = is_available
        self._builder = Builder(editor, base, [(action.plugin, action.action) for action in offered])
        self._candidates = tuple(candidate(action) for action in offered if action.sampleable)

    async def propose(self, trials: Sequence[TrialRecord]) -> TrialRecord | None:
        """Plan the next search trial; None if the budget is spent or nothing new is left."""
        for _ in range(WASTED_LIMIT):
            counted = sum(t.role is Role.SEARCH and t.verdict not in NOT_COUNTED for t in trials)
            if counted >= self._config.budget.trials:
                return None
            number = trials[-1].number + 1
            candidates = [each for each in self._candidates if self._is_available(each.plugin)]
            proposal = self._policy.propose(candidates, past_of(self._config, self._scribe, trials), number)
            if proposal is None:
                return None
            trial = await self._make(proposal, number, trials)
            if trial.verdict is None:
                return trial
            trials = self._scribe.trials()
        return None

    async def _make(self, proposal: Proposal, number: int, trials: Sequence[TrialRecord]) -> TrialRecord:
        """Write the next trial: with a tree to run, or as a proposal that came to nothing."""
        seed = search_seed(self._config.noise)
        built = await self._builder.build(proposal, number, trials)
        try:
            runs = await self._editor.with_seed(built.tree, self._config.noise.seed, seed)
        except PluginError as error:  # an action may write away the literal that the seed goes into
            built = replace(built, rejection=built.rejection or str(error))
        said: dict[str, Any] = {"parent": proposal.parent, "call": proposal.call, "proposal": proposal.reason}
        said["summary"] = built.summary
        if built.rejection:
            return self._scribe.write_judged(Verdict.REJECTED, built.rejection, **said)
        said |= {"run_seed": seed, "canonical": await self._twins.canonical(built.tree, seed)}
        twin = twin_of(self._scribe.trials(), said["canonical"], runs.digest)
        if twin is not None:
            return self._duplicate(number, built, runs, twin, said)
        fixed = await self._fixer.fix(built.tree, self._base)
        runs = await self._editor.with_seed(fixed.tree, self._config.noise.seed, seed)
        steps = (*built.steps, *fixed.steps)
        trees = self._keep(fixed.tree, runs, steps)
        edits = self._commit(number, steps)
        planned = self._scribe.plan_trial(Role.SEARCH, edits, fixes=fixed.fixes, **trees, **said)
        await self._redress.ask_fixes(planned.number, fixed, seed)
        return planned

    def _duplicate(
        self, number: int, built: Built, runs: Tree, twin: TrialRecord, said: Mapping[str, Any]
    ) -> TrialRecord:
        same = "same tree as" if twin.run_digest == runs.digest else "same program, comments and format aside, as"
        trees, edits = self._keep(built.tree, runs, built.steps), self._commit(number, built.steps)
        return self._scribe.write_judged(Verdict.DUPLICATE, f"the {same} trial {twin.number}", edits, **trees, **said)

    def _keep(self, tree: Tree, runs: Tree, steps: Sequence[Step]) -> dict[str, str]:
        """Store the trees on the way to a trial's, and return the columns that name its own."""
        for each in (*(step.tree for step in steps), tree, runs):
            self._scribe.store.add_tree(each, base=self._base)
        return {"tree_digest": tree.digest, "run_digest": runs.digest}

    def _commit(self, number: int, steps: Sequence[Step]) -> list[EditRecord]:
        """Commit each action's edit and then each applied fix, every one with its author."""
        study_id = self._scribe.study_id
        base = self._scribe.store.edits(study_id, 0)
        parent = base[0].commit_id if base else None
        edits = []
        for ordinal, step in enumerate(steps):
            trailers = {"Study": study_id, "Trial": str(number), "Tree-Digest": step.tree.digest}
            message = step.summary or step.author.removeprefix(ACTION_AUTHOR)
            parent = self._editor.commit(
                step.tree, parent=parent, author=step.author, message=message, trailers=trailers
            )
            edits.append(EditRecord(study_id, number, ordinal, step.author, parent, step.tree.digest, step.summary))
        assert parent is not None
        self._editor.mark(study_id, number, parent)
        return edits


def candidate(action: OfferedAction) -> Candidate:
    """Return what the policy is told about an action."""
    properties = action.schema.get("properties", {})
    assert isinstance(properties, Mapping)
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return Candidate(
        plugin=action.plugin,
        action=action.action,
        schema=action.schema,
        schema_digest=action.schema_digest,
        defaults=defaults,
        default_is_base=action.default_is_base,
        effects=action.effects,
    )
