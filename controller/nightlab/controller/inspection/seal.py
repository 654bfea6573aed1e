"""Reads a working tree again and explains what wrote while the gate looked at it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import RepoError
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.explain.orders import Files
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.model.change import Drift, Effect, Explanation, Fact, FileChange, Where, Writer
from nightlab.controller.model.tree import Change, Entry
from nightlab.controller.model.tree import diff_trees as changes_between
from nightlab.controller.repo.snapshot import snapshot


async def drifts_since(subject: Subject, explainer: Explainer) -> tuple[Drift, ...]:
    """Return what differs between the tree as it was read and as it is now; nothing if it is the same."""
    try:
        now = (await asyncio.to_thread(snapshot, subject.root, subject.contents)).tree
    except RepoError as error:
        gone = FileChange(".", Effect.BEHAVIOUR, (Fact(".", None, f"the tree cannot be read any more: {error}"),))
        return (Drift(Where.SEALED, Explanation((gone,), (Writer("", (".",)),), gone.facts), is_rolled_back=False),)
    changed = changes_between(subject.tree, now)
    if not changed:
        return ()
    before, after = (
        _files(subject, ((c.path, c.before) for c in changed)),
        _files(subject, ((c.path, c.after) for c in changed)),
    )
    modes = {c.path: (c.before.mode if c.before else None, c.after.mode if c.after else None) for c in changed}
    told = await explainer.explain(
        before, after, paths=subject.paths, repo_config=subject.configs(), modes=modes, rest=subject.rest()
    )
    return (Drift(Where.SEALED, told.with_untold(_unread(subject, changed)), is_rolled_back=False),)


def _files(subject: Subject, entries: Iterable[tuple[str, Entry | None]]) -> Files:
    found = ((path, subject.contents.get(entry.sha256)) for path, entry in entries if entry is not None)
    return {path: content for path, content in found if content is not None}


def _unread(subject: Subject, changed: Iterable[Change]) -> tuple[FileChange, ...]:
    """Tell by size of files that are too large to be kept."""
    told = []
    for change in changed:
        sides = (change.before, change.after)
        if any(entry is not None and subject.contents.get(entry.sha256) is None for entry in sides):
            sizes = " -> ".join("nothing" if entry is None else show_bytes(entry.size) for entry in sides)
            told.append(FileChange(change.path, Effect.BEHAVIOUR, (Fact(change.path, None, f"{sizes}, not read"),)))
    return tuple(told)
