"""Makes trees of trials anew: without fixes that were found guilty, with every action's edit as it was.

What is guilty belongs to `redress`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.model.change import FixState
from nightlab.controller.model.tree import Tree, diff_trees
from nightlab.controller.model.trial import ACTION_AUTHOR
from nightlab.controller.store import TrialRecord
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.fixing import Fixed, Fixer
from nightlab.controller.study.scribe import Scribe

AUTHOR: Final = "nightlab"


class Remaking:
    """Remakes the trees of one study."""

    def __init__(self, config: Config, scribe: Scribe, fixer: Fixer, editor: Editor, base: Tree) -> None:
        self._config = config
        self._scribe = scribe
        self._fixer = fixer
        self._editor = editor
        self._base = base

    async def take_back(self, trial: TrialRecord, authors: Sequence[str], evidence: str) -> None:
        """Give a trial the tree without the guilty fixes; its next attempt runs that."""
        fixed = await self.refixed(trial)
        runs = await self.as_run(fixed.tree, trial.run_seed)
        for tree in (fixed.tree, runs):
            self._scribe.store.add_tree(tree, base=self._base)
        self._tell_taken_back(trial, fixed.tree, f"takes back {', '.join(authors)}", evidence)
        held = (replace(f, state=FixState.HELD_BACK, reason=f"quarantined: {evidence}") for f in trial.fixes)
        self._scribe.update_trial(
            trial.number,
            tree_digest=fixed.tree.digest,
            run_digest=runs.digest,
            fixes=[*fixed.fixes, *(fix for fix in held if fix.author in authors)],
        )

    def _tell_taken_back(self, trial: TrialRecord, tree: Tree, summary: str, evidence: str) -> None:
        """Commit a tree on top of the trial's edits, and write that down once, however often a kill came after it."""
        edits = self._scribe.store.edits(trial.study_id, trial.number)
        if (edits[-1].author, edits[-1].tree_digest) == (AUTHOR, tree.digest):
            return
        commit = self._editor.commit(
            tree,
            parent=edits[-1].commit_id,
            author=AUTHOR,
            message=f"{summary}\n\n{evidence}",
            trailers={"Study": trial.study_id, "Trial": str(trial.number), "Tree-Digest": tree.digest},
        )
        self._editor.mark(trial.study_id, trial.number, commit)
        self._scribe.add_edit(
            trial.number, len(edits), author=AUTHOR, commit_id=commit, digest=tree.digest, summary=summary
        )

    async def refixed(self, trial: TrialRecord, *, allow_none: bool = False) -> Fixed:
        """Make the wanted fixes of a trial anew, from what its actions left."""
        edits = self._scribe.store.edits(trial.study_id, trial.number)
        last = next((e for e in reversed(edits) if e.author.startswith(ACTION_AUTHOR)), edits[0])
        edited = self._scribe.store.tree(last.tree_digest)
        if not allow_none:
            return await self._fixer.fix(edited, self._base)
        paths = [c.path for c in diff_trees(self._base, edited) if c.after is not None]
        return await self._fixer.fix_files(edited, paths, lambda _made: "")

    async def as_run(self, tree: Tree, run_seed: int | None) -> Tree:
        """Return a tree as it runs on a seed; both are stored."""
        runs = await self._editor.with_seed(tree, self._config.noise.seed, run_seed)
        for each in (tree, runs):
            self._scribe.store.add_tree(each, base=self._base)
        return runs
