"""What a gate on a working tree looks at: the tree as it is, and what it is compared with.

Both are values in memory: what happens to the working tree afterwards changes nothing here. Judging belongs to the
other modules of this package.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nightlab.api.digest import SYMLINK
from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import RepoError
from nightlab.controller.explain.orders import Files, tool_configs
from nightlab.controller.inspection.contents import MemoryContents
from nightlab.controller.model.change import Effect, Fact, FileChange
from nightlab.controller.model.tree import Tree
from nightlab.controller.repo.revision import Revision, has_commit, read_revision
from nightlab.controller.repo.snapshot import BaseTree, snapshot
from nightlab.controller.text import inert


@dataclass(frozen=True, slots=True)
class Subject:
    """A working tree and its base.

    Attributes:
        root: The directory, absolute and real.
        taken: The working tree.
        contents: Its contents, as far as they are small.
        revision: The base; None: everything is new.
        why_no_base: One line; empty with a base.
    """

    root: Path
    taken: BaseTree
    contents: MemoryContents
    revision: Revision | None
    why_no_base: str = ""

    @property
    def tree(self) -> Tree:
        """The working tree's files."""
        return self.taken.tree

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, sorted."""
        return tuple(self.tree.by_path)

    @property
    def touched(self) -> tuple[str, ...]:
        """Paths that differ from the base, added and removed ones included; all of them without a base."""
        if self.revision is None:
            return self.paths
        known, here = self.revision.modes, self.tree.by_path
        gone = {path for path in known if path not in here and not self._is_nested(path)}
        added = {path for path in here if path not in known and not self._is_nested(path)}
        return tuple(sorted({*self.revision.changed, *gone, *added}))

    @property
    def python_paths(self) -> tuple[str, ...]:
        """Python files that differ from the base and are still there."""
        return tuple(path for path in self.touched if path.endswith(".py") and self.content(path) is not None)

    def content(self, path: str) -> bytes | None:
        """Return a file of the working tree; None if it is no small regular file."""
        entry = self.tree.by_path.get(path)
        return None if entry is None or entry.mode == SYMLINK else self.contents.get(entry.sha256)

    def sides(self) -> tuple[Files, Files]:
        """Return (before, after) of every touched file that is text-sized on both sides."""
        before = {path: content for path in self.touched if (content := self._earlier(path)) is not None}
        after = {path: content for path in self.touched if (content := self._now(path)) is not None}
        skipped = {path for path, _ in self._too_large()}
        return _without(before, skipped), _without(after, skipped)

    def configs(self) -> Files:
        """Return what the repo configures its own tools with."""
        return {path: content for path in tool_configs(self.paths) if (content := self.content(path)) is not None}

    def modes(self) -> Mapping[str, tuple[int | None, int | None]]:
        """Return git's modes, earlier and later, of the paths where they differ."""
        known, here = self.revision.modes if self.revision else {}, self.tree.by_path
        pairs = {path: (known.get(path), here[path].mode if path in here else None) for path in self.touched}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}

    def unread(self) -> tuple[FileChange, ...]:
        """Say of what no explainer is shown, because it is too large."""
        return tuple(FileChange(path, Effect.BEHAVIOUR, (Fact(path, None, text),)) for path, text in self._too_large())

    def rest(self) -> Files:
        """Return the Python files that do not differ from the base: one may read the source of one that does."""
        touched = set(self.touched)
        same = (path for path in self.paths if path.endswith(".py") and path not in touched)
        return {path: content for path in same if (content := self.content(path)) is not None}

    def _earlier(self, path: str) -> bytes | None:
        return None if self.revision is None else self.revision.contents.get(path)

    def _now(self, path: str) -> bytes | None:
        entry = self.tree.by_path.get(path)
        return None if entry is None else self.contents.get(entry.sha256)

    def _too_large(self) -> Iterable[tuple[str, str]]:
        for path in self.touched:
            entry = self.tree.by_path.get(path)
            was = path in (self.revision.modes if self.revision else {})
            lost = was and self._earlier(path) is None
            if (entry is not None and self.contents.get(entry.sha256) is None) or lost:
                before = show_bytes(self.revision.sizes.get(path, 0)) if self.revision and was else "nothing"
                after = show_bytes(entry.size) if entry is not None else "nothing"
                yield path, f"contents changed, {before} -> {after}, not read"

    def _is_nested(self, path: str) -> bool:
        return any(path == nest or path.startswith(f"{nest}/") for nest in self.taken.nested)


def _without(files: dict[str, bytes], paths: set[str]) -> Files:
    return {path: content for path, content in files.items() if path not in paths}


async def take(path: Path, base: str) -> Subject:
    """Read a working tree and its base.

    Args:
        path: A clone, a folder of one, or any directory.
        base: A commit; empty: the one checked out, or nothing where there is none.

    Raises:
        RepoError: The directory cannot be read, or the commit does not exist.
    """
    return await asyncio.to_thread(_take, path, base)


def _take(path: Path, base: str) -> Subject:
    if path.exists() and not path.is_dir():
        raise RepoError(f"{inert(str(path))!r} is not a directory; give the one that it lies in")
    contents = MemoryContents()
    taken = snapshot(path, contents)
    root = Path(os.path.realpath(path))
    if not base:
        why = _why_no_base(root, taken)
        if why:
            return Subject(root, taken, contents, None, why)
    return Subject(root, taken, contents, read_revision(root, base or "HEAD"))


def _why_no_base(root: Path, taken: BaseTree) -> str:
    if not taken.is_git:
        return "not a git clone, so every finding counts as new"
    return "" if has_commit(root) else "the clone has no commit, so every finding counts as new"
