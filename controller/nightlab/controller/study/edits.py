"""Turns an action's edits into a sealed tree: contents stored, committed with their author, named by a digest.

The commit is made in the host-owned history before anything else can touch the tree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nightlab.api.digest import REGULAR, SYMLINK
from nightlab.controller.actions.entry import entry_points
from nightlab.controller.actions.host import ActionHost
from nightlab.controller.actions.model import Note
from nightlab.controller.config.schema import Config, Seed
from nightlab.controller.errors import PluginError
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.study.places import below
from nightlab.controller.trial.workload import command

READ_LIMIT_BYTES: Final = 1 << 20  # a larger source file is no place for an edit
LINK_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Edited:
    """A tree after an action.

    Attributes:
        tree: The new tree; the old one if the action changed nothing or was rejected.
        summary: What the action says it did.
        rejection: Why there are no edits; empty if there are.
    """

    tree: Tree
    summary: str
    rejection: tuple[Note, ...] = ()


class Editor:
    """Applies actions to trees of one study."""

    def __init__(self, actions: ActionHost, blobs: BlobStore, history: History, entry_points: Sequence[str]) -> None:
        self._actions = actions
        self._blobs = blobs
        self._history = history
        self._entry_points = tuple(entry_points)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """Files of the tree that the training command starts."""
        return self._entry_points

    def files(self, tree: Tree, paths: Collection[str] | None = None) -> dict[str, bytes]:
        """Return the contents that an action may be shown: text-sized regular files, all or those of some paths."""
        shown = (e for e in tree.entries if e.mode != SYMLINK and e.size <= READ_LIMIT_BYTES)
        wanted = (e for e in shown if _is_source(e) and (paths is None or e.path in paths))
        return {entry.path: self._blobs.read(entry.sha256, READ_LIMIT_BYTES) for entry in wanted}

    def with_files(self, tree: Tree, files: Mapping[str, bytes]) -> Tree:
        """Store contents and return the tree in which they are; a file that exists keeps its mode."""
        return tree.with_changes([self._store(path, content, tree) for path, content in files.items()])

    async def apply(self, call: ActionCall, tree: Tree, *, request_id: str, seed: int) -> Edited:
        """Apply one action to a tree.

        Raises:
            PluginError: The plugin failed; a rejection is a result, not an error.
        """
        applied = await self._actions.apply(
            call, self.files(tree), self._entry_points, tree.digest, request_id=request_id, seed=seed
        )
        if applied.rejection:
            return Edited(tree, applied.summary, applied.rejection)
        changed = self.with_files(tree, applied.writes)
        return Edited(changed.with_changes((), applied.deletes), applied.summary)

    async def with_seed(self, tree: Tree, seed: Seed, run_seed: int | None) -> Tree:
        """Return the tree that runs: the same one, or with the seed's literal set where the config says so."""
        if seed.kind != "literal" or run_seed is None:
            return tree
        arguments = {"id": seed.name, "value_json": json.dumps(run_seed)}
        call = ActionCall("hyperparameter", "set_literal", arguments, "")
        edited = await self.apply(call, tree, request_id=f"seed-{run_seed}", seed=0)
        if edited.rejection:
            raise PluginError(f"noise.seed.name = {seed.name!r} cannot be set: {edited.rejection[0].summary}")
        return edited.tree

    def commit(self, tree: Tree, *, parent: str | None, author: str, message: str, trailers: Mapping[str, str]) -> str:
        """Write a tree to the host-owned history and return its commit."""
        at = datetime.now(UTC).replace(microsecond=0)
        return self._history.commit(tree, parent=parent, author=author, message=message, trailers=trailers, at=at)

    def mark(self, study_id: str, number: int, commit_id: str) -> None:
        """Name a commit as a trial's, so that git keeps and shows it."""
        self._history.mark(study_id, number, commit_id)

    def mark_drift(self, study_id: str, name: str, commit_id: str) -> None:
        """Name a commit as something that wrote what nobody had proposed, so that a person can look at it."""
        self._history.mark_drift(study_id, name, commit_id)

    def _store(self, path: str, content: bytes, tree: Tree) -> Entry:
        self._blobs.put(content)
        before = tree.by_path.get(path)
        return Entry(path, before.mode if before else REGULAR, len(content), hashlib.sha256(content).hexdigest())


def started_files(config: Config, site: Site, tree: Tree, blobs: BlobStore) -> tuple[str, ...]:
    """Return the files of a tree that the training command starts; see `entry_points`."""
    argv = command(site, config.train, seed=config.noise.seed, run_seed=None)
    short = (e for e in tree.entries if e.mode == SYMLINK and e.size <= LINK_BYTES)
    links = {entry.path: blobs.read(entry.sha256, LINK_BYTES).decode(errors="surrogateescape") for entry in short}
    return entry_points(argv, tree.by_path.keys(), workdir=below(site.workdir, site.workspace), links=links)


def _is_source(entry: Entry) -> bool:
    return entry.path.endswith((".py", ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini", ".sh", ".txt"))
