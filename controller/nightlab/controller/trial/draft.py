"""A draft: an editor's copy of a tree in a container of its own, on which an author works before anything is sealed.

Every edit is in the host-owned history before it is in the sandbox, so before any hook can run. What a command of the
author wrote besides comes back as a diff and is proposed only if adopted. The container of a draft is thrown away:
no process, no open file and no cache of it can reach the one that is launched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from nightlab.api.digest import EXECUTABLE, REGULAR, SYMLINK
from nightlab.api.globs import matches_any
from nightlab.controller.config.schema import Train
from nightlab.controller.errors import EditRefused, LinkError, SandboxLost
from nightlab.controller.gate.verify import IMPORTABLE
from nightlab.controller.link.values import Editor, JobExit
from nightlab.controller.model.change import Drift, FileChange, Where
from nightlab.controller.model.site import EDITOR_UID
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import AuthoredEdit
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.objects import entry_error
from nightlab.controller.trial.drift import FILE_BYTES, Taken, Teller, take_out, worth_taking
from nightlab.controller.trial.spawn import Live

AGENT: Final = "agent"
COMMAND: Final = "agent:command"
EDIT_BYTES: Final = 2 * 2**20
OUTPUT_BYTES: Final = 256 * 1024
HASHED_BYTES: Final = 64 * 2**20
LEAST_HASHED: Final = 1
LISTED: Final = 1000
END_S: Final = 10.0
STUCK_TOLD: Final = 20
Mending = Callable[[Tree, Callable[[], Awaitable[object]]], Awaitable[tuple[Drift, ...]]]
ODD: Final = "closed to its reader, or something that is no file stands in its place"
EDITOR: Final = Editor(EDITOR_UID, EDITOR_UID)


class Author(Protocol):
    """Works on a draft, and keeps what was edited."""

    def record(self, tree: Tree, *, author: str, message: str) -> str:
        """Commit a tree to the host-owned history and return the commit. Called on a thread, before the edit is made.

        Args:
            tree: After the edit.
            author: Who made it.
            message: What was done.
        """
        ...

    async def work(self, draft: Draft) -> None:
        """Edit until done. What is in the draft's tree then is what is proposed."""
        ...


@dataclass(frozen=True, slots=True)
class Unadopted:
    """What lies in the sandbox and is not in the proposal.

    Attributes:
        paths: What was changed, added or removed, sorted; the first 1000.
        changes: What changed in each of the first 50.
        entries: As they are; a removed path is missing.
        contents: Of those that could be taken out.
        is_partial: There is more.
    """

    paths: tuple[str, ...]
    changes: tuple[FileChange, ...]
    entries: Mapping[str, Entry]
    contents: Mapping[str, bytes]
    is_partial: bool = False

    @property
    def diff(self) -> str:
        """All of it as one unified diff."""
        return "".join(change.diff for change in self.changes)


@dataclass(frozen=True, slots=True)
class CommandRun:
    """What a command of the author did.

    Attributes:
        exit: How it ended.
        output: What it printed, standard error too, up to a limit.
        is_cut: Whether it printed more.
        unadopted: What lies in the sandbox now and is not in the proposal.
    """

    exit: JobExit
    output: bytes
    is_cut: bool
    unadopted: Unadopted


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an author left.

    Attributes:
        tree: All recorded edits.
        edits: They, in order.
        drifts: What lay in the sandbox besides when the author was done; it is not in the tree.
        notes: Anything else for a person.
    """

    tree: Tree
    edits: tuple[AuthoredEdit, ...]
    drifts: tuple[Drift, ...]
    notes: tuple[str, ...]


class Draft:
    """One author's work on one tree.

    Args:
        live: The container; nothing of it is launched.
        tree: What is edited.
        train: Says what may be edited.
        env: Of the author's commands.
        author: Records.
        blobs: Where contents go.
        teller: Says what changed.
        passing: A directory of the host through which files are taken out.
        mending: Puts a tree, and mends contents that were damaged on the host.

    Attributes:
        tree: All edits so far.
    """

    def __init__(
        self,
        live: Live,
        tree: Tree,
        train: Train,
        *,
        env: Mapping[str, str],
        author: Author,
        blobs: BlobStore,
        teller: Teller,
        passing: Path,
        mending: Mending,
    ) -> None:
        self.tree = tree
        self._live = live
        self._root = live.site.workspace
        self._train = train
        self._env = {**env, "HOME": "/tmp"}  # noqa: S108 - in the container; the workload's home is not the editor's
        self._author = author
        self._blobs = blobs
        self._teller = teller
        self._passing = passing
        self._mending = mending
        self._mended: tuple[Drift, ...] = ()
        self._unplaced: dict[str, str] = {}
        self._edits: list[AuthoredEdit] = []
        self._told: set[str] = set()
        self._commands = 0

    async def begin(self) -> None:
        """Put the tree into the sandbox as the editor's own, with what the image has beside it."""
        put = self._live.sandbox.put_tree
        self._mended = await self._mending(self.tree, lambda: put(self._root, self.tree, EDITOR))
        await self._live.link_seeds()

    def read(self, path: str) -> bytes:
        """Return a file of the proposal as it is so far.

        Raises:
            EditRefused: There is no such file, or it is no file of a size to edit.
        """
        entry = self.tree.by_path.get(path)
        if entry is None or entry.mode == SYMLINK or entry.size > EDIT_BYTES:
            raise EditRefused(f"{path!r} is no file of the tree that can be read here")
        return self._blobs.read(entry.sha256, EDIT_BYTES)

    # Edits

    async def write(self, path: str, content: bytes, author: str = AGENT) -> None:
        """Write a whole file.

        Raises:
            EditRefused: The config or git keeps it from being written.
            LinkError: It is recorded, and could not be put into the sandbox: something of the author's is in the way.
        """
        self._check(path, content)
        known = self.tree.by_path.get(path)
        mode = known.mode if known is not None and known.mode != SYMLINK else REGULAR
        await self._make([self._entry(path, mode, content)], [], author, f"write {path}")

    async def delete(self, path: str, author: str = AGENT) -> None:
        """Remove a file.

        Raises:
            EditRefused: The config keeps it, or it is not there.
            LinkError: As of `write`.
        """
        if path not in self.tree.by_path:
            raise EditRefused(f"{path!r} is not in the tree")
        self._check(path, b"")
        await self._make([], [path], author, f"delete {path}")

    async def adopt(self, paths: Sequence[str], shown: Unadopted) -> None:
        """Make what a command wrote part of the proposal, as it was shown; what was written since is not taken.

        Args:
            paths: Of `shown`.
            shown: What `run` or `diff` returned.

        Raises:
            EditRefused: One of them is not in it, is no plain file of a size to edit, or may not be edited.
        """
        written = [self._adopted(path, shown) for path in paths if path in shown.entries]
        removed = [path for path in paths if path not in shown.entries]
        for path in removed:
            self._check(path, b"")
            if path not in shown.paths or path not in self.tree.by_path:
                raise EditRefused(f"{path!r} is not among what was shown")
        await self._make(written, removed, COMMAND, f"adopt {', '.join(paths)}"[:500])

    def _adopted(self, path: str, shown: Unadopted) -> Entry:
        content, entry = shown.contents.get(path), shown.entries[path]
        if content is None or path not in shown.paths:
            raise EditRefused(f"{path!r} cannot be adopted: it is no plain file of at most {FILE_BYTES} bytes")
        self._check(path, content)
        return self._entry(path, EXECUTABLE if entry.mode == EXECUTABLE else REGULAR, content)

    def _check(self, path: str, content: bytes) -> None:
        wrong = entry_error(path)
        if wrong is not None:
            raise EditRefused(f"{path!r} {wrong}")
        if not matches_any(path, self._train.editable):
            raise EditRefused(f"{path!r} is not matched by train.editable", hint="edit another file")
        if matches_any(path, self._train.protected):
            raise EditRefused(f"{path!r} is matched by train.protected", hint="edit another file")
        if len(content) > EDIT_BYTES:
            raise EditRefused(f"{path!r} would have {len(content)} bytes; at most {EDIT_BYTES} can be edited")
        self._check_place(path)

    def _check_place(self, path: str) -> None:
        parts = path.split("/")
        above = {"/".join(parts[:count]) for count in range(1, len(parts))}
        if above & self.tree.by_path.keys() or any(known.startswith(f"{path}/") for known in self.tree.by_path):
            raise EditRefused(f"{path!r} would be a file and a directory at once")

    def _entry(self, path: str, mode: int, content: bytes) -> Entry:
        return Entry(path, mode, len(content), self._blobs.put(content))

    async def _make(self, written: Sequence[Entry], removed: Sequence[str], author: str, message: str) -> None:
        """Record first; only then may anything in the sandbox see it."""
        tree = self.tree.with_changes(written, removed)
        commit = await asyncio.to_thread(self._author.record, tree, author=author, message=message)
        self._edits.append(AuthoredEdit(author, message, commit, tree.digest))
        self.tree = tree
        paths = (*(entry.path for entry in written), *removed)
        try:
            await self._live.sandbox.put_files(self._root, written, EDITOR, removed=removed)
        except SandboxLost:
            raise
        except LinkError as error:
            self._unplaced |= dict.fromkeys(paths, str(error)[:200])
            raise
        for path in paths:
            self._unplaced.pop(path, None)

    # Commands

    async def run(self, command: str | Sequence[str], timeout_s: float) -> CommandRun:
        """Run a command in the workspace as the editor, without a network; all of its processes end with it.

        Args:
            command: Words, or a text for the image's shell.
            timeout_s: Limit.

        Raises:
            LinkError: The sandbox is lost.
        """
        self._commands += 1
        result = await self._live.sandbox.run(
            f"draft-{self._commands}",
            ["/bin/sh", "-c", command] if isinstance(command, str) else list(command),
            env=self._env,
            cwd=self._live.site.workdir,
            uid=EDITOR.uid,
            gid=EDITOR.gid,
            wall_limit_s=timeout_s,
            output_limit_bytes=OUTPUT_BYTES,
            merge=True,
        )
        return CommandRun(result.exit, result.stdout, result.truncated, await self.diff())

    async def diff(self) -> Unadopted:
        """Compare what lies in the sandbox with the proposal."""
        found, odd, is_partial = await self._look()
        paths = self._differing(found)
        taken = await self._take(found, odd, paths)
        self._told.update(paths)
        changes = await self._teller.changes(self.tree, found, paths[:50], taken)
        entries = {path: found[path] for path in paths if path in found}
        return Unadopted(tuple(paths[:LISTED]), changes, entries, taken.contents, is_partial or len(paths) > LISTED)

    async def _look(self) -> tuple[dict[str, Entry], frozenset[str], bool]:
        """List everything; only what has the proposal's size is hashed, or an author could have terabytes read."""
        sandbox, own = self._live.sandbox, self.tree.by_path
        scan = await sandbox.scan_tree(self._root, max_hash_bytes=LEAST_HASHED, allow_partial=True)
        found = {entry.path: entry for entry in scan.entries}
        odd = {*scan.odd}
        if scan.is_partial:
            listed = await sandbox.scan_tree(self._root, list(own), max_hash_bytes=LEAST_HASHED)
            found.update((entry.path, entry) for entry in listed.entries)
            odd.update(listed.odd)
        alike = [path for path, entry in own.items() if path in found and found[path].size == entry.size]
        if alike:
            hashed = await sandbox.scan_tree(self._root, alike, max_hash_bytes=HASHED_BYTES)
            found.update((entry.path, entry) for entry in hashed.entries)
        return found, frozenset(odd), scan.is_partial

    def _differing(self, found: Mapping[str, Entry]) -> list[str]:
        seeded = set(self._live.site.seeded)
        changed = [e.path for e in self.tree.entries if not _is_same(e, found.get(e.path))]
        added = [
            p for p in found if p not in self.tree.by_path and p not in seeded and "__pycache__" not in p.split("/")
        ]
        return [*changed, *sorted(added)]

    async def _take(self, found: Mapping[str, Entry], odd: frozenset[str], paths: Sequence[str]) -> Taken:
        files = worth_taking(self.tree, [found[path] for path in paths if path in found])
        taken = await take_out(self._live.sandbox, self._root, files, self._passing, uid=EDITOR.uid, gid=EDITOR.gid)
        closed = {path: ODD for path in paths if path in odd and path not in found}
        return Taken(taken.contents, {**taken.facts, **closed})

    # The end

    async def finish(self) -> Proposal:
        """End every process of the editor, and tell what lies there that nobody proposed."""
        _, left = await self._live.sandbox.end_processes(EDITOR.uid, END_S)
        notes = [f"{left} processes of the author outlived a kill; their container is removed"] if left else []
        notes += [f"{path} is proposed, but could not be put before its author: {why}" for path, why in self._stuck]
        found, odd, _ = await self._look()
        paths = [path for path in self._differing(found) if self._is_drift(path)]
        if not paths:
            return Proposal(self.tree, tuple(self._edits), self._mended, tuple(notes))
        taken = await self._take(found, odd, paths)
        drift = await self._teller.tell(Where.DRAFT, self.tree, found, paths, taken, undone=True)
        return Proposal(self.tree, tuple(self._edits), (*self._mended, drift), tuple(notes))

    @property
    def _stuck(self) -> list[tuple[str, str]]:
        return sorted(self._unplaced.items())[:STUCK_TOLD]

    def _is_drift(self, path: str) -> bool:
        """Leavings of the author's own commands, a log or a checkpoint, are none; nor is an edit that found no room."""
        if path in self._unplaced:
            return False
        return path in self.tree.by_path or (path.endswith(IMPORTABLE) and path not in self._told)


def _is_same(sealed: Entry, found: Entry | None) -> bool:
    if found is None or (sealed.mode, sealed.size) != (found.mode, found.size):
        return False
    return not found.sha256 or found.sha256 == sealed.sha256
