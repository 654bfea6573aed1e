"""Names what a proposal is, comments and format aside, and finds the trial that ran the same already.

Two trees are twins if they differ from the base tree in the same files, by their canonical contents, and run on the
same seed; command and environment are the study's. Reading code belongs to `explain`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import structlog

from nightlab.controller.errors import NightlabError
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.tree import Change, Entry, Tree, diff_trees
from nightlab.controller.model.trial import Role
from nightlab.controller.store import TrialRecord
from nightlab.controller.study.edits import Editor

log: Final = structlog.get_logger()
# Says nothing about the tree: worth another run.
UNTOLD: Final = frozenset({Verdict.DUPLICATE, Verdict.LOST, Verdict.VOID})


class Reader(Protocol):
    """Reads code in a process of its own; see `explain.explainer.Explainer`."""

    async def canonical(self, files: Mapping[str, bytes]) -> Mapping[str, str]:
        """Return a digest by path that comments and format do not change."""
        ...


class Twins:
    """Tells trees of one study from their twins."""

    def __init__(self, reader: Reader, editor: Editor, base: Tree) -> None:
        self._reader = reader
        self._editor = editor
        self._base = base

    async def canonical(self, tree: Tree, run_seed: int | None) -> str:
        """Return the name of a tree on a seed, equal for twins."""
        changes = diff_trees(self._base, tree)
        before = await self._contents(self._base, changes)
        after = await self._contents(tree, changes)
        left = {change.path: after.get(change.path) for change in changes}
        different = {path: new for path, new in left.items() if before.get(path) != new}
        return canonical_digest(self._base.digest, different, run_seed)

    async def _contents(self, tree: Tree, changes: Iterable[Change]) -> dict[str, list[object]]:
        """Return mode and canonical digest of the changed files that a tree has."""
        entries = [entry for change in changes if (entry := tree.by_path.get(change.path)) is not None]
        digests = await self._digests(tree, entries)
        return {entry.path: [entry.mode, digests.get(entry.path, entry.sha256)] for entry in entries}

    async def _digests(self, tree: Tree, entries: Iterable[Entry]) -> Mapping[str, str]:
        files = self._editor.files(tree, {entry.path for entry in entries})
        try:
            return await self._reader.canonical(files) if files else {}
        except NightlabError as error:  # then only the very same bytes are twins
            log.warning("canonical.failed", reason=str(error))
            return {}


def canonical_digest(base_digest: str, different: Mapping[str, object], run_seed: int | None) -> str:
    """Name a difference from the base tree on a seed; the base tree itself is the empty difference."""
    text = json.dumps([base_digest, run_seed, sorted(different.items())], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def twin_of(trials: Iterable[TrialRecord], canonical: str, run_digest: str) -> TrialRecord | None:
    """Return the trial that runs or ran the same; repeats for noise are exempt by their role."""
    for trial in trials:
        told = trial.role is not Role.CONFIRM and trial.verdict not in UNTOLD
        if told and (trial.canonical == canonical or trial.run_digest == run_digest):
            return trial
    return None
