"""Compares two trees by smoke runs in containers of their own, on processor time that nobody else wants.

Brings the parts together: trees from the store, writers from the fixes or from a replay, runs from `trial.smoke`. The
search for the guilty part is `proof.culprit`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from nightlab.controller.config.gating import Smoke
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import LinkError
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.explain.orders import tool_configs
from nightlab.controller.model.change import Fix, Writer
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import Tree, diff_trees
from nightlab.controller.model.trial import Ending
from nightlab.controller.proof.culprit import Case as Question
from nightlab.controller.proof.culprit import Proof, find_culprit
from nightlab.controller.proof.hunks import Files
from nightlab.controller.proof.observation import Observation
from nightlab.controller.store import ProofKind
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.prover import Case
from nightlab.controller.trial.smoke import SmokeRunner

MOST_RUNS: Final = 12
START_S: Final = 30.0  # of one run, beside the run itself
MOST_S: Final = 3600.0
WHOLE_RUN_S: Final = 900.0  # a trial that ran longer is not run again as a whole for a proof
WHOLE_RUNS: Final = 6
RULE: Final = "ruff:"


class SmokeExaminer:
    """Examines cases of one study by running them."""

    def __init__(
        self, config: Config, smoker: SmokeRunner, whole: SmokeRunner, explainer: Explainer, editor: Editor, site: Site
    ) -> None:
        """Run nothing yet.

        Args:
            config: The study's.
            smoker: Makes smoke runs.
            whole: Runs the training command as it is, for trials that went bad only after their first steps.
            explainer: Says who made a change, and makes it again in part.
            editor: Reads and stores contents.
            site: The study's.
        """
        self._config = config
        self._smoker = smoker
        self._whole = whole
        self._explainer = explainer
        self._editor = editor
        self._site = site

    async def examine(self, case: Case) -> Proof:
        """Find out whether two trees do the same, and which change is guilty if not.

        Raises:
            EngineError, LinkError: The machine failed.
            ExplainFailed: The worker broke.
        """
        question = await self._question(case)
        found = await self._look(case, question, self._smoker, self._config.smoke.timeout, MOST_RUNS)
        may_run_whole = case.record.kind is ProofKind.TRIAL and not self._config.train.gpus
        if found.differs or not may_run_whole or not 0 < case.run_s <= WHOLE_RUN_S:
            return found
        whole = await self._look(case, question, self._whole, self._config.train.timeout, WHOLE_RUNS)
        return replace(whole, runs=found.runs + whole.runs, wall_s=found.wall_s + whole.wall_s)

    async def _look(self, case: Case, question: Question, smoker: SmokeRunner, run_s: float, most_runs: int) -> Proof:
        runs = _Runs(case, smoker, self._editor, question.before.keys() | question.after.keys())
        limit_s = min(MOST_S, most_runs * (run_s + START_S))
        proof = await find_culprit(question, runs.observe, self._explainer, most_runs=most_runs, deadline_s=limit_s)
        if proof.differs is False and case.record.kind is ProofKind.FIX and runs.failed:
            # Two runs that fail alike (no GPU for them, no data) have not shown what the fix does.
            return replace(proof, differs=None, evidence=f"runs without the change fail too: {runs.failed}")
        return proof

    async def _question(self, case: Case) -> Question:
        changes = diff_trees(case.before, case.after)
        paths = {change.path for change in changes}
        before, after = self._editor.files(case.before, paths), self._editor.files(case.after, paths)
        tree_paths = tuple(entry.path for entry in case.before.entries)
        repo_config = self._editor.files(case.before, frozenset(tool_configs(tree_paths)))
        python = self._site.python
        writers = writers_of(case.record.fixes, self._config.lint.fix)
        if not writers:
            explained = await self._explainer.explain(
                before, after, paths=tree_paths, python=python, repo_config=repo_config
            )
            writers = explained.writers
        return Question(before, after, writers, tree_paths, python, repo_config)


class _Runs:
    """The program runs of one proof, numbered, each in its own container."""

    def __init__(self, case: Case, smoker: SmokeRunner, editor: Editor, paths: AbstractSet[str]) -> None:
        self._case = case
        self._smoker = smoker
        self._editor = editor
        self._paths = paths
        self._count = 0
        self.failed = ""

    async def observe(self, files: Files) -> Observation:
        """Run the tree with these contents once.

        Raises:
            EngineError, LinkError: The machine failed.
        """
        self._count += 1
        record = self._case.record
        tree = self._variant(files)
        run = await self._smoker.run(
            tree,
            Share(),
            name=f"proof{record.number}-r{self._count}",
            run_seed=record.run_seed,
            stop=asyncio.Event(),
            background=True,
        )
        if run.report.ending in (Ending.LOST, Ending.STOPPED):
            raise LinkError(f"a run of proof {record.number} was {run.report.ending.value}: {run.report.reason}")
        if tree.digest == self._case.before.digest and run.report.ending is not Ending.FINISHED:
            self.failed = run.report.reason or run.report.ending.value
        return Observation.of(run.report, run.lines, run.values, run.files)

    def _variant(self, files: Files) -> Tree:
        """Return the earlier tree with other contents of what differs; what is not among them is not there."""
        tree = self._case.before.with_changes((), self._paths - files.keys())
        return self._editor.with_files(tree, files)


def whole_runs(config: Config) -> Config:
    """Return a config whose smoke run is the training itself."""
    smoke = Smoke(enabled=True, timeout=config.train.timeout)
    return config.model_copy(update={"smoke": smoke})


def writers_of(fixes: Sequence[Fix], level: str) -> tuple[Writer, ...]:
    """Return who made some fixes, as they are made again: ruff's rules together, then each formatter."""
    if not fixes:
        return ()
    paths = tuple(sorted({change.path for fix in fixes for change in fix.changes}))
    rules = tuple(sorted({fix.author.removeprefix(RULE) for fix in fixes if fix.author.startswith(RULE)}))
    tools = dict.fromkeys(f.author.partition(":")[2] for f in fixes if not f.author.startswith(RULE))
    linted = [Writer("ruff check", paths, rules, "unsafe" if level == "all" else "safe")] if rules else []
    return (*linted, *(Writer(tool, paths) for tool in tools))
