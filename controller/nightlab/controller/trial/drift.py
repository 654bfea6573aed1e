"""Tells what somebody else wrote: takes it out of the sandbox, bounded, and has it compared with what was sealed.

Whether it is rolled back and what it means for the run belong to `trial.seal` and `trial.walk`.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from nightlab.api.digest import REGULAR
from nightlab.controller.errors import LinkError, StoreError
from nightlab.controller.explain.orders import tool_configs
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.model.change import Drift, Effect, Explanation, Fact, FileChange, Where
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import remove_tree

FILES_TAKEN: Final = 50
FILE_BYTES: Final = 2**20
TOTAL_BYTES: Final = 8 * 2**20
SYMLINK: Final = 0o120000


class Explains(Protocol):
    """Says what changed between two states of some files, and who did it; `explain.explainer.Explainer`."""

    async def explain(
        self,
        before: Mapping[str, bytes],
        after: Mapping[str, bytes],
        *,
        paths: Sequence[str] = (),
        python: tuple[int, int] | None = None,
        repo_config: Mapping[str, bytes] | None = None,
        modes: Mapping[str, tuple[int | None, int | None]] | None = None,
    ) -> Explanation:
        """Explain; never raises for what a file holds."""
        ...

    async def weigh(
        self,
        files: Mapping[str, bytes],
        looked_at: Sequence[str],
        found: Sequence[Finding],
        *,
        paths: Sequence[str] = (),
    ) -> tuple[Finding, ...]:
        """Take a second look at findings; ExplainFailed where that cannot be done."""
        ...

    async def changes(
        self,
        before: Mapping[str, bytes],
        after: Mapping[str, bytes],
        *,
        modes: Mapping[str, tuple[int | None, int | None]] | None = None,
    ) -> tuple[FileChange, ...]:
        """Say what changed, not who did it; never raises for what a file holds."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What lay where something else was sealed.

    Attributes:
        contents: By path, of those that could be taken.
        facts: One line each of those that could not, or whose content is the sealed one.
    """

    contents: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def worth_taking(tree: Tree, found: Iterable[Entry]) -> list[str]:
    """Choose what to take out: what was sealed before what was not, small files before large, all within the limits."""
    files = [entry for entry in found if entry.mode != SYMLINK and entry.size <= FILE_BYTES]
    chosen: list[str] = []
    room = TOTAL_BYTES
    for entry in sorted(files, key=lambda entry: (entry.path not in tree.by_path, entry.size)):
        room -= entry.size
        if room < 0 or len(chosen) == FILES_TAKEN:
            break
        chosen.append(entry.path)
    return chosen


async def take_out(
    sandbox: Sandbox, root: str, paths: Sequence[str], into: Path, *, uid: int = 0, gid: int = 0
) -> Taken:
    """Take files out of a sandbox, at most 50 of 1 MiB; what cannot be taken never stops anything.

    Args:
        sandbox: Where they lie.
        root: Absolute.
        paths: Relative to it.
        into: A directory of the host for them to pass through.
        uid: Whose rights they are read with.
        gid: Whose group's.
    """
    wanted = list(paths[:FILES_TAKEN])
    await asyncio.to_thread(into.mkdir, mode=0o700, parents=True, exist_ok=True)
    passing = Path(tempfile.mkdtemp(dir=into))
    try:
        read = await sandbox.read_files(
            root,
            [_escaped(path) for path in wanted],
            into=passing,
            max_files=FILES_TAKEN,
            max_file_bytes=FILE_BYTES,
            max_total_bytes=TOTAL_BYTES,
            as_uid=uid,
            as_gid=gid,
        )
        facts = {path: f"cannot be read: {why}" for path, why in read.skipped.items() if path in wanted}
        contents = {}
        for path in (path for path in read.files if path in wanted):
            try:
                contents[path] = (passing / path).read_bytes()
            except OSError as error:  # a path that is too long for this machine's own directories
                facts[path] = f"cannot be read: {error.strerror}"
        return Taken(contents, facts)
    except LinkError as error:
        return Taken({}, dict.fromkeys(wanted, f"cannot be read: {error}"))
    finally:
        await asyncio.to_thread(remove_tree, passing)


class Teller:
    """Explains drifts of one walk.

    Args:
        blobs: Holds the contents of sealed trees.
        explainer: Compares; without one, only that something changed is told.
        site: Whose interpreter runs the program.
    """

    def __init__(self, blobs: BlobStore | None, explainer: Explains | None, site: Site) -> None:
        self._blobs = blobs
        self._explainer = explainer
        self._site = site

    async def tell(
        self, where: Where, tree: Tree, found: Mapping[str, Entry], paths: Sequence[str], taken: Taken, *, undone: bool
    ) -> Drift:
        """Explain what lies where something else was sealed.

        Args:
            where: Between which points it was written.
            tree: What was sealed.
            found: What a check found, by path.
            paths: What differs.
            taken: Its content.
            undone: Whether the sealed content was put back before anything was launched.
        """
        before, after, modes = self._sides(tree, found, paths, taken)
        explained = await self._explain(tree, before, after, modes)
        told = {change.path for change in explained.changes}
        plain = [_plain(path, tree, found, taken) for path in paths if path not in told]
        removed = tuple(path for path in paths if path in tree.by_path and path not in found)
        return Drift(where, explained.with_untold(plain), undone, self._kept(tree, found, taken), removed)

    async def changes(
        self, tree: Tree, found: Mapping[str, Entry], paths: Sequence[str], taken: Taken
    ) -> tuple[FileChange, ...]:
        """Say only what changed; arguments as of `tell`."""
        before, after, modes = self._sides(tree, found, paths, taken)
        is_asked = self._explainer is not None and (before or after or modes)
        said = await self._explainer.changes(before, after, modes=modes) if is_asked and self._explainer else ()
        told = {change.path for change in said}
        plain = (_plain(path, tree, found, taken) for path in paths if path not in told)
        return tuple(sorted((*said, *plain), key=lambda change: change.path))

    def _sides(
        self, tree: Tree, found: Mapping[str, Entry], paths: Sequence[str], taken: Taken
    ) -> tuple[dict[str, bytes], dict[str, bytes], dict[str, tuple[int | None, int | None]]]:
        """Return contents before and after of what differs in content, and modes of what differs in mode."""
        shown = [path for path in paths if path in taken.contents or (path not in found and path not in taken.facts)]
        before = self._contents(tree, [path for path in shown if path in tree.by_path])
        after = {path: content for path, content in taken.contents.items() if before.get(path) != content}
        before = {path: content for path, content in before.items() if taken.contents.get(path) != content}
        modes = {path: pair for path in paths if (pair := _modes(tree.by_path.get(path), found.get(path))) is not None}
        return before, after, modes

    def _kept(self, tree: Tree, found: Mapping[str, Entry], taken: Taken) -> tuple[Entry, ...]:
        """Store what was taken out, so that a person can look at it and a proof can run it."""
        if self._blobs is None:
            return ()
        entries = []
        for path, content in taken.contents.items():
            seen = found.get(path) or tree.by_path.get(path)
            mode = seen.mode if seen is not None and seen.mode != SYMLINK else REGULAR
            entries.append(Entry(path, mode, len(content), self._blobs.put(content)))
        return tuple(entries)

    def _contents(self, tree: Tree, paths: Iterable[str]) -> dict[str, bytes]:
        found = {}
        for path in paths:
            entry = tree.by_path[path]
            if self._blobs is not None and entry.mode != SYMLINK and entry.size <= FILE_BYTES:
                try:
                    found[path] = self._blobs.read(entry.sha256, FILE_BYTES)
                except (KeyError, StoreError):
                    continue
        return found

    async def _explain(
        self,
        tree: Tree,
        before: Mapping[str, bytes],
        after: Mapping[str, bytes],
        modes: Mapping[str, tuple[int | None, int | None]],
    ) -> Explanation:
        if self._explainer is None or not (before or after or modes):
            return Explanation()
        return await self._explainer.explain(
            before,
            after,
            paths=tuple(tree.by_path),
            python=self._site.python,
            repo_config=self._contents(tree, tool_configs(tree.by_path)[:FILES_TAKEN]),
            modes=modes,
        )


def _modes(sealed: Entry | None, found: Entry | None) -> tuple[int | None, int | None] | None:
    if sealed is None or found is None or sealed.mode == found.mode:
        return None
    return sealed.mode, found.mode


def _plain(path: str, tree: Tree, found: Mapping[str, Entry], taken: Taken) -> FileChange:
    """Tell of a path whose content says nothing: by what the check saw of it."""
    entry, sealed = found.get(path), tree.by_path.get(path)
    if path in taken.facts:
        text = taken.facts[path]
    elif sealed is None and entry is None:
        text = "not as it was put there: its content, owner or mode"
    elif sealed is None:
        text = "a link was added" if entry is not None and entry.mode == SYMLINK else "added"
    elif entry is None:
        text = "removed, or something that is no file stands in its place"
    elif entry.mode == SYMLINK != sealed.mode:
        text = "a link stands in its place"
    elif entry.sha256 == sealed.sha256:
        text = "its content is the sealed one; its owner or mode lets others change it"
    else:
        text = f"changed, {sealed.size} -> {entry.size} bytes"
    return FileChange(path, Effect.BEHAVIOUR, (Fact(path, None, text),))


def _escaped(path: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
