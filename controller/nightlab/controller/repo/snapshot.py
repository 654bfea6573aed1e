"""Takes the base tree of a study: the user's working tree as it is, dirty or not.

Which files belong to it is `listing`'s to say; their contents go to the study's blob store, hashed as they are copied.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from nightlab.api.digest import EXECUTABLE, REGULAR, SYMLINK
from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import RepoError
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.repo.blobs import StoredBlob
from nightlab.controller.repo.listing import Listing, list_files
from nightlab.controller.repo.objects import entry_error
from nightlab.controller.text import inert

ENTRY_BYTES: Final = 56  # an entry of a listing less its path: mode, size, hash
_SHOWN: Final = 5


class Contents(Protocol):
    """What takes the contents of a snapshot: the study's BlobStore, or memory where nothing shall be kept."""

    def put(self, content: bytes) -> str:
        """Take bytes and return their sha256."""
        ...

    def put_stream(self, source: BinaryIO, *, max_bytes: int) -> StoredBlob:
        """Take what a stream yields; RepoError if that is more than max_bytes."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotLimits:
    """How large a base tree may be.

    Attributes:
        max_files: Files and symbolic links.
        max_bytes: Of all contents together.
        max_listing_bytes: Of all paths with ENTRY_BYTES each: a sandbox is told of a tree in one message of 4 MiB.
    """

    max_files: int = 100_000
    max_bytes: int = 2 * 2**30
    max_listing_bytes: int = 4_000_000


@dataclass(frozen=True, slots=True)
class BaseTree:
    """The working tree that a study starts from.

    Attributes:
        tree: Paths are relative to the repo directory that was given.
        head: The commit checked out; None before the first one and outside of git.
        branch: None when HEAD is detached and outside of git.
        dirty: Paths that differ from the commit, untracked and deleted ones included, sorted.
        is_git: Whether the repo is a clone or a folder of one.
        nested: Directories of it that are repos of their own (submodules), sorted.
    """

    tree: Tree
    head: str | None
    branch: str | None
    dirty: tuple[str, ...]
    is_git: bool
    nested: tuple[str, ...] = ()

    @property
    def file_count(self) -> int:
        """Files and symbolic links."""
        return len(self.tree.entries)

    @property
    def total_bytes(self) -> int:
        """Of all contents together."""
        return sum(entry.size for entry in self.tree.entries)


def snapshot(repo: Path, blobs: Contents, limits: SnapshotLimits | None = None) -> BaseTree:
    """Take the tracked and the untracked-unignored files of a repo, submodules' files too.

    Runs nothing that the repo brings. Never part of it: `.git`, `.nightlab`, and untracked bytecode caches and virtual
    environments. Symbolic links stay links. Where a file changes meanwhile, the tree has what was copied.

    Args:
        repo: A clone, a folder of a clone, or any directory.
        blobs: Takes the contents.
        limits: Defaults to 100,000 files and 2 GiB.

    Raises:
        RepoError: The repo is unusable, too large, empty, or has a file that cannot be part of a tree; the text names
            the file and the remedy.
    """
    limits = limits or SnapshotLimits()
    if not repo.is_dir():
        raise RepoError(f"{str(repo)!r} is not a directory; give the path of the training repo")
    root = Path(os.path.realpath(repo))
    listing = list_files(root)
    found = _present(root, sorted(listing.tracked.keys() | listing.untracked))
    _check_size(found, limits)
    entries = _read_all(root, found, listing, blobs, limits)
    if not entries:
        raise RepoError(f"{str(repo)!r} holds no files that git does not ignore; is it the training repo?")
    return BaseTree(
        tree=Tree.of(entries),
        head=listing.head,
        branch=listing.branch,
        dirty=tuple(sorted(listing.dirty)),
        is_git=listing.is_git,
        nested=tuple(sorted(listing.nested)),
    )


def _present(root: Path, paths: Sequence[str]) -> dict[str, os.stat_result]:
    """Find what is on disk; a tracked path that is gone, or now below a link, is a deleted file."""
    real_dirs = {"": True}
    found = {}
    for path in paths:
        if not _is_below_real_dirs(root, path, real_dirs):
            continue
        try:
            status = os.lstat(root / path)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(status.st_mode):
            _check_entry(path, status)
            found[path] = status
    return found


def _is_below_real_dirs(root: Path, path: str, known: dict[str, bool]) -> bool:
    parent = path.rpartition("/")[0]
    if parent not in known:
        known[parent] = _is_below_real_dirs(root, parent, known) and _is_real_dir(root / parent)
    return known[parent]


def _is_real_dir(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _check_entry(path: str, status: os.stat_result) -> None:
    if (wrong := entry_error(path)) is not None:
        raise RepoError(f"the path {inert(path)!r} {wrong}; rename it, or add it to .gitignore")
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise RepoError(
            f"{inert(path)!r} is a {_kind(status.st_mode)}, which a trial cannot have; remove it, or add it to "
            ".gitignore and untrack it"
        )


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    return kinds.get(stat.S_IFMT(mode), "special file")


def _check_size(found: Mapping[str, os.stat_result], limits: SnapshotLimits) -> None:
    total = sum(status.st_size for status in found.values())
    listing = sum(len(path.encode()) + ENTRY_BYTES for path in found)
    if total <= limits.max_bytes and len(found) <= limits.max_files and listing <= limits.max_listing_bytes:
        return
    largest = sorted(found, key=lambda path: -found[path].st_size)[:_SHOWN]
    folders: dict[str, int] = {}
    for path in found:
        folders[path.split("/", 1)[0]] = folders.get(path.split("/", 1)[0], 0) + 1
    fullest = max(folders, key=lambda name: folders[name])
    shown = ", ".join(f"{inert(path)} ({show_bytes(found[path].st_size)})" for path in largest)
    raise RepoError(
        f"the repo's tracked and unignored files are too many for one trial: {len(found):,} files with "
        f"{show_bytes(total)}, their list {show_bytes(listing)} (limits: {limits.max_files:,} files, "
        f"{show_bytes(limits.max_bytes)}, list {show_bytes(limits.max_listing_bytes)}). Largest: {shown}; "
        f"most files: {inert(fullest)} ({folders[fullest]:,}). Add data and outputs to .gitignore; what the image's "
        "build makes of them is linked into every trial anyway"
    )


def _read_all(
    root: Path, found: Mapping[str, os.stat_result], listing: Listing, blobs: Contents, limits: SnapshotLimits
) -> list[Entry]:
    entries, left = [], limits.max_bytes
    for path in found:
        index_mode = None if listing.has_file_mode else listing.tracked.get(path, REGULAR)
        entry = _read(root, path, blobs, index_mode, left)
        if entry is not None:
            entries.append(entry)
            left -= entry.size
    return entries


def _read(root: Path, path: str, blobs: Contents, index_mode: int | None, max_bytes: int) -> Entry | None:
    """Copy one file or link; None if it vanished since it was listed."""
    try:
        fd = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return _read_link(root, path, blobs)
        raise RepoError(
            f"{inert(path)!r} cannot be read ({error.strerror}); make it readable, or add it to .gitignore"
        ) from error
    with os.fdopen(fd, "rb", buffering=0) as file:
        status = os.fstat(fd)
        _check_entry(path, status)
        try:
            blob = blobs.put_stream(file, max_bytes=max_bytes)
        except RepoError as error:
            raise RepoError(
                f"{inert(path)!r} grew past the limit of a base tree while it was read; stop what writes it, or add it "
                "to .gitignore"
            ) from error
    is_executable = index_mode == EXECUTABLE if index_mode is not None else bool(status.st_mode & stat.S_IXUSR)
    return Entry(path, EXECUTABLE if is_executable else REGULAR, blob.size, blob.sha256)


def _read_link(root: Path, path: str, blobs: Contents) -> Entry | None:
    try:
        target = os.fsencode((root / path).readlink())
    except OSError:
        return None
    return Entry(path, SYMLINK, len(target), blobs.put(target))
