"""A tree of files as a value: what a trial runs, named by its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from nightlab.api.digest import tree_digest


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or symbolic link.

    Attributes:
        path: Relative, '/' between parts.
        mode: As git has it: 0o100644, 0o100755 or 0o120000.
        size: Bytes.
        sha256: Lowercase hex over the content (of a link: over its target).
    """

    path: str
    mode: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Tree:
    """A set of entries, sorted by path. Contents are elsewhere, under their hash."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Tree:
        """Make a tree of entries in any order."""
        return cls(tuple(sorted(entries, key=lambda entry: entry.path.encode())))

    @cached_property
    def digest(self) -> str:
        """Lowercase hex of nightlab.api.digest.tree_digest."""
        return tree_digest((e.path, e.mode, bytes.fromhex(e.sha256)) for e in self.entries).hex()

    @cached_property
    def by_path(self) -> Mapping[str, Entry]:
        """Entries by their path."""
        return {entry.path: entry for entry in self.entries}

    def with_changes(self, changed: Iterable[Entry], removed: Iterable[str] = ()) -> Tree:
        """Return a tree in which some entries are added or replaced and some paths are gone."""
        entries = dict(self.by_path)
        for path in removed:
            entries.pop(path, None)
        entries.update((entry.path, entry) for entry in changed)
        return Tree.of(entries.values())


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two trees; None stands for a path that is not there."""

    path: str
    before: Entry | None
    after: Entry | None


def diff_trees(before: Tree, after: Tree) -> tuple[Change, ...]:
    """List what differs, sorted by path."""
    paths = sorted(before.by_path.keys() | after.by_path.keys())
    pairs = ((path, before.by_path.get(path), after.by_path.get(path)) for path in paths)
    return tuple(Change(path, old, new) for path, old, new in pairs if old != new)
