"""PutTree: writes a tree below a root, each file beside its place and then renamed into it, and reads it all back.

A sealed tree's directories belong to the supervisor and are sticky, so that a run may add files beside the sources
and change none. Contents come from `transfers`; this module only writes them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from typing import Final

from nightlab.api.digest import EXECUTABLE, MODES, SYMLINK, path_error, tree_digest
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused, invalid
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import DIRECTORY, open_below, open_root, split
from nightlab.sandbox.transfers import BlobPart

SEALED_DIRECTORY: Final = 0o1777
EDITOR_DIRECTORY: Final = 0o755
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK_TARGET_BYTES: Final = 4095
_Identity = tuple[int, int, int, int, int, int]


class Tree:
    """One PutTree under way. Its methods block: they are called on a thread, one at a time.

    Attributes:
        paths: What it will hold.
    """

    def __init__(self, request: pb.PutTree) -> None:
        self._root = request.root
        self._sealed = request.owner == pb.TREE_OWNER_SEALED
        self._uid = os.geteuid() if self._sealed else request.owner_uid
        self._gid = os.getegid() if self._sealed else request.owner_gid
        self._entries = tuple(request.entries)
        self.paths = _checked_paths(request)
        self._ready: set[str] = set()
        self._hashed: dict[str, tuple[_Identity, pb.TreeEntry]] = {}
        self._open: _Incoming | None = None
        if request.owner == pb.TREE_OWNER_UNSPECIFIED or (not self._sealed and self._uid == 0):
            raise invalid("a tree is sealed, or owned by an editor that is not root")

    def _as_owner(self) -> AbstractContextManager[None]:
        return files_as(self._uid, self._gid)

    def prepare(self, earlier: set[str]) -> list[pb.TreeEntry]:
        """Remove what an earlier tree had and this one has not; return the entries whose content is needed."""
        with self._as_owner(), open_root(self._root) as root:
            for path in sorted(earlier - self.paths, reverse=True):
                _remove(root, path)
            return [entry for entry in self._entries if entry.path not in earlier or not self._is_there(root, entry)]

    def _is_there(self, root: int, entry: pb.TreeEntry) -> bool:
        directory, name = split(entry.path)
        try:
            with open_below(root, directory) as parent:
                status = os.stat(name, dir_fd=parent, follow_symlinks=False)
                is_ours = status.st_uid == self._uid and (entry.mode == SYMLINK or self._mode(entry) == status.st_mode)
                is_there = is_ours and read_entry(parent, name, entry.path) == entry
                if is_there:
                    self._hashed[entry.path] = (_identity(status), entry)
                return is_there
        except (OSError, Odd):
            return False

    def _mode(self, entry: pb.TreeEntry) -> int:
        if self._sealed:
            return stat.S_IFREG | (0o555 if entry.mode == EXECUTABLE else 0o444)
        return stat.S_IFREG | (0o755 if entry.mode == EXECUTABLE else 0o644)

    def write(self, needed: list[pb.TreeEntry], parts: list[BlobPart]) -> None:
        """Write the next parts of the contents, which come in the order of `needed`.

        Raises:
            Refused: A content has not the hash or size that was named, or something is in the way.
            OSError: No space, ...
        """
        with self._as_owner(), open_root(self._root) as root:
            for part in parts:
                if self._open is None:
                    self._open = _Incoming(needed[part.index], self._mode(needed[part.index]))
                    self._open.start(self._directory(root, needed[part.index].path))
                self._open.take(part.data)
                if part.is_last:
                    self._hashed[needed[part.index].path] = (self._open.finish(), needed[part.index])
                    self._open = None

    def abandon(self) -> None:
        """Remove the half-written file of a tree that failed."""
        if self._open is not None:
            with self._as_owner():
                self._open.discard()
            self._open = None

    def _directory(self, root: int, path: str) -> int:
        """Open the directory of a path, making what is missing; the caller closes it."""
        fd = os.dup(root)
        self._own(fd, "")
        done = ""
        for part in split(path)[0].split("/") if "/" in path else ():
            done = f"{done}/{part}" if done else part
            try:
                deeper = _enter(fd, part, done)
            finally:
                os.close(fd)
            fd = deeper
            try:
                self._own(fd, done)
            except BaseException:
                os.close(fd)
                raise
        return fd

    def _own(self, fd: int, directory: str) -> None:
        """Make sure of a directory's owner and mode."""
        if directory in self._ready:
            return
        status = os.fstat(fd)
        if status.st_uid == self._uid:
            os.fchmod(fd, SEALED_DIRECTORY if self._sealed else EDITOR_DIRECTORY)
        elif self._sealed or status.st_uid != os.geteuid():
            raise invalid(
                f"directory {directory or '.'} of {self._root} belongs to uid {status.st_uid}, not to uid {self._uid}: "
                "a tree goes into a directory that nobody else may change"
            )
        self._ready.add(directory)

    def read_back(self) -> bytes:
        """Hash the tree as it is on disk now.

        A content that was hashed from the disk by this PutTree is not hashed again while the file is the same inode
        with the same times: nobody but the kernel sets a ctime.

        Raises:
            Refused: Something is not there or not readable any more.
        """
        with self._as_owner(), open_root(self._root) as root:
            return tree_digest((entry.path, entry.mode, entry.sha256) for entry in self._read_all(root))

    def _read_all(self, root: int) -> Iterator[pb.TreeEntry]:
        for path in sorted(self.paths):
            directory, name = split(path)
            try:
                with open_below(root, directory) as parent:
                    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
                    known = self._hashed.get(path)
                    is_known = known is not None and known[0] == _identity(status)
                    yield known[1] if known is not None and is_known else read_entry(parent, name, path)
            except (OSError, Odd) as error:
                raise Refused(pb.FAILURE_CODE_MISMATCH, f"{path} cannot be read back: {error}") from error


def _identity(status: os.stat_result) -> _Identity:
    """Return what changes whenever a file or its content does."""
    return (status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _enter(parent: int, name: str, path: str) -> int:
    with suppress(FileExistsError):  # whether one that is there is ours is told by its owner
        os.mkdir(name, 0o700, dir_fd=parent)
    try:
        return os.open(name, DIRECTORY, dir_fd=parent)
    except NotADirectoryError as error:
        raise invalid(f"{path} is in the way: not a directory") from error


def _checked_paths(request: pb.PutTree) -> set[str]:
    paths: set[str] = set()
    directories: set[str] = set()
    for entry in request.entries:
        wrong = path_error(entry.path)
        if wrong is not None or entry.mode not in MODES or len(entry.sha256) != 32 or entry.path in paths:
            raise invalid(f"entry {entry.path!r} {wrong or 'occurs twice or has a wrong mode or hash'}")
        paths.add(entry.path)
        directory = split(entry.path)[0]
        while directory and directory not in directories:
            directories.add(directory)
            directory = split(directory)[0]
    if both := paths & directories:
        raise invalid(f"{min(both)!r} is both a file and a directory")
    return paths


def _remove(root: int, path: str) -> None:
    """Unlink a file and the directories that it leaves empty."""
    try:
        directory, name = split(path)
        with open_below(root, directory) as parent:
            os.unlink(name, dir_fd=parent)
        while directory:
            directory, name = split(directory)
            with open_below(root, directory) as parent:
                os.rmdir(name, dir_fd=parent)
    except OSError:
        return  # gone already, or not empty; what must not be there is seen by a scan


class _Incoming:
    """One file or link on its way to its place."""

    def __init__(self, entry: pb.TreeEntry, mode: int) -> None:
        self._entry = entry
        self._mode = mode
        self._name = split(entry.path)[1]
        self._temporary = f".nightlab-{os.urandom(8).hex()}"
        self._digest = hashlib.sha256()
        self._size = 0
        self._target = b""
        self._parent = -1
        self._fd = -1

    def start(self, parent: int) -> None:
        """Make the temporary file in an open directory, which is closed in the end."""
        self._parent = parent
        if self._entry.mode != SYMLINK:
            self._fd = os.open(self._temporary, _CREATE, 0o600, dir_fd=parent)

    def take(self, part: bytes) -> None:
        """Add content, and hash it as the disk has it."""
        begin = self._size
        self._size += len(part)
        if self._size > self._entry.size:
            raise self._mismatch()
        if self._entry.mode == SYMLINK:
            self._target += part
            self._digest.update(part)
            return
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        self._digest.update(os.pread(self._fd, len(part), begin))

    def finish(self) -> _Identity:
        """Check the content, rename it into its place, and return what tells whether it was changed since."""
        if (self._size, self._digest.digest()) != (self._entry.size, self._entry.sha256):
            raise self._mismatch()
        if self._entry.mode == SYMLINK:
            if not 0 < self._size <= _LINK_TARGET_BYTES or b"\0" in self._target:
                raise invalid(f"{self._entry.path!r} is a link with an impossible target")
            os.symlink(self._target, os.fsencode(self._temporary), dir_fd=self._parent)
        else:
            os.fchmod(self._fd, stat.S_IMODE(self._mode))
        try:
            os.replace(self._temporary, self._name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
        except IsADirectoryError as error:
            raise invalid(f"{self._entry.path!r} is in the way: a directory") from error
        status = os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
        self._close()
        return _identity(status)

    def discard(self) -> None:
        """Remove what was made."""
        if self._parent >= 0:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=self._parent)
        self._close()

    def _close(self) -> None:
        for fd in (self._fd, self._parent):
            if fd >= 0:
                os.close(fd)
        self._fd = self._parent = -1

    def _mismatch(self) -> Refused:
        return Refused(pb.FAILURE_CODE_MISMATCH, f"the content of {self._entry.path!r} is not what was named")
