"""PutTree: writes a tree below a root, each file beside its place and then renamed into it, and reads it all back.

A sealed tree's directories belong to the supervisor and are sticky, so that a run may add files beside the sources
and change none. Contents come from `transfers`; this module only writes them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Final

from nightlab.api.digest import EXECUTABLE, MODES, SYMLINK, path_error, tree_digest
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.clearing import remove, remove_below
from nightlab.sandbox.errors import Refused, invalid
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.incoming import Incoming
from nightlab.sandbox.paths import DIRECTORY, checked, open_below, open_root, split
from nightlab.sandbox.stamp import Identity, identity
from nightlab.sandbox.transfers import BlobPart

SEALED_DIRECTORY: Final = 0o1777
EDITOR_DIRECTORY: Final = 0o755
BYTECODE: Final = "__pycache__"
BYTECODE_DIRECTORY: Final = 0o555


class Tree:
    """One PutTree under way. Its methods block: they are called on a thread, one at a time.

    Attributes:
        paths: What it will hold, or in part holds.
        hashed: Contents that were read from the disk, each with the identity of the file then.
    """

    def __init__(self, request: pb.PutTree) -> None:
        self._root = request.root
        self._sealed = request.owner == pb.TREE_OWNER_SEALED
        self._uid = os.geteuid() if self._sealed else request.owner_uid
        self._gid = os.getegid() if self._sealed else request.owner_gid
        self._entries = tuple(request.entries)
        self.paths = _checked_paths(request)
        self._ready: set[str] = set()
        self._removed = [checked(path) for path in request.removed]
        self._in_part = request.in_part
        self._clear = request.clear
        self.hashed: dict[str, tuple[Identity, pb.TreeEntry]] = {}
        self._open: Incoming | None = None
        if request.owner == pb.TREE_OWNER_UNSPECIFIED or (not self._sealed and self._uid == 0):
            raise invalid("a tree is sealed, or owned by an editor that is not root")

    def _as_owner(self) -> AbstractContextManager[None]:
        return files_as(self._uid, self._gid)

    @property
    def is_sealed(self) -> bool:
        """Whether nobody but the supervisor may change it."""
        return self._sealed

    def holds(self, earlier: Iterable[str]) -> set[str]:
        """Return all paths of the tree that lies there when this PutTree is done."""
        return self.paths | (set(earlier) - set(self._removed)) if self._in_part else self.paths

    def prepare(self, earlier: set[str]) -> list[pb.TreeEntry]:
        """Remove what an earlier tree had and this one has not; return the entries whose content is needed."""
        with self._as_owner(), open_root(self._root) as root:
            for path in self._removed:
                remove_below(root, path)
            for path in () if self._in_part else sorted(earlier - self.paths, reverse=True):
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
                    self.hashed[entry.path] = (identity(status), entry)
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
                    entry = needed[part.index]
                    self._open = Incoming(entry, self._mode(entry), clear=self._clear)
                    self._open.start(self._directory(root, needed[part.index].path))
                self._open.take(part.data)
                if part.is_last:
                    self.hashed[needed[part.index].path] = (self._open.finish(), needed[part.index])
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
                deeper = self._enter(fd, part, done)
            finally:
                os.close(fd)
            fd = deeper
            try:
                self._own(fd, done)
            except BaseException:
                os.close(fd)
                raise
        return fd

    def _enter(self, parent: int, name: str, path: str) -> int:
        """Open a directory, making it; with `clear`, something else or somebody else's in its place is removed."""
        if self._clear:
            self._clear_for_directory(parent, name)
        with suppress(FileExistsError):  # whether one that is there is ours is told by its owner
            os.mkdir(name, 0o700, dir_fd=parent)
        try:
            return os.open(name, DIRECTORY, dir_fd=parent)
        except NotADirectoryError as error:
            raise invalid(f"{path} is in the way: not a directory") from error

    def _clear_for_directory(self, parent: int, name: str) -> None:
        with suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != self._uid:
                remove(parent, name)

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

    def settle(self) -> None:
        """Make sure of every directory of a sealed tree, and close those with Python files to bytecode.

        Raises:
            Refused: Something is in the way.
        """
        if not self._sealed:
            return
        with self._as_owner(), open_root(self._root) as root:
            for directory, has_code in code_directories(self.paths).items():
                fd = self._directory(root, f"{directory}/-" if directory else "-")
                try:
                    if has_code:
                        self._close_to_bytecode(fd)
                finally:
                    os.close(fd)

    def _close_to_bytecode(self, directory: int) -> None:
        if not is_closed(directory):
            remove(directory, BYTECODE)
            os.mkdir(BYTECODE, BYTECODE_DIRECTORY, dir_fd=directory)
            os.chmod(BYTECODE, BYTECODE_DIRECTORY, dir_fd=directory)  # whatever the umask

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
                    known = self.hashed.get(path)
                    is_known = known is not None and known[0] == identity(status)
                    yield known[1] if known is not None and is_known else read_entry(parent, name, path)
            except (OSError, Odd) as error:
                raise Refused(pb.FAILURE_CODE_MISMATCH, f"{path} cannot be read back: {error}") from error


def code_directories(paths: Iterable[str]) -> Mapping[str, bool]:
    """Return the directories of a tree, the root's own ("") too, and whether Python files lie right in them."""
    found: dict[str, bool] = {"": False}
    for path in paths:
        directory = split(path)[0]
        found[directory] = found.get(directory, False) or path.endswith(".py")
        while directory:
            directory = split(directory)[0]
            found.setdefault(directory, False)
    return found


def is_closed(directory: int) -> bool:
    """Tell whether an open directory has a `__pycache__` that is empty, the supervisor's, and closed to all others."""
    try:
        fd = os.open(BYTECODE, DIRECTORY, dir_fd=directory)
    except OSError:
        return False
    try:
        status = os.fstat(fd)
        is_ours = status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == BYTECODE_DIRECTORY
        with os.scandir(fd) as entries:
            return is_ours and next(entries, None) is None
    finally:
        os.close(fd)


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
                with suppress(OSError), open_below(parent, name) as emptied:
                    os.rmdir(BYTECODE, dir_fd=emptied)
                os.rmdir(name, dir_fd=parent)
    except OSError:
        return  # gone already, or not empty; what must not be there is seen by a scan
