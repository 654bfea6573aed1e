"""What lies beside a sealed tree, and the result of a check, which grows within its limits.

Before a launch everything is listed, empty directories too: a directory is a package to Python, and code asks whether
one is there. After a run only what Python could import.
"""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nightlab.api.digest import REGULAR, SYMLINK, path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import printable
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import (
    MAX_OPENED,
    Found,
    depth,
    is_directory,
    is_link,
    is_regular,
    join,
    open_below,
    split,
    walk_directory,
)
from nightlab.sandbox.scan import MAX_DIRECTORIES, ODD_LISTED, RESULT_BYTES
from nightlab.sandbox.stamp import Identity, identity
from nightlab.sandbox.trees import BYTECODE

if TYPE_CHECKING:
    from nightlab.sandbox.seeds import Made

_OCTAL: Final = re.compile(rb"\\([0-7]{3})")


class Check:
    """A result that grows within its limits."""

    def __init__(self, request: pb.CheckSeal) -> None:
        self.result = pb.CheckSealResult()
        self.identities: dict[str, Identity] = {}
        self._reread_bytes = request.reread_bytes
        self._max_added = request.max_added
        self._bytes = 0

    def is_large(self, size: int) -> bool:
        """Whether a file of this size is not read again while its identity is the one it was hashed with."""
        return 0 < self._reread_bytes < size

    def odd(self, path: str) -> None:
        """Name something that could be changed by others than the supervisor."""
        if len(self.result.odd) < ODD_LISTED:
            self.result.odd.append(printable(path))

    def seen(self, entry: pb.TreeEntry) -> None:
        """List a sealed path as it was found."""
        self._bytes += entry.ByteSize() + 8
        self.result.sealed.append(entry)

    def add(self, entry: pb.TreeEntry) -> bool:
        """List an added file; False if there is no room left."""
        self._bytes += entry.ByteSize() + 8
        if len(self.result.added) >= self._max_added or self._bytes > RESULT_BYTES:
            self.result.is_partial = True
            return False
        self.result.added.append(entry)
        return True


class Beside:
    """Lists what was added beside the sealed files.

    Args:
        request: The host's.
        sealed: Sealed paths.
        directories: Their directories.
        made: What LinkSeed made.
        check: Takes what is found.
    """

    def __init__(
        self, request: pb.CheckSeal, sealed: Collection[str], directories: Collection[str], made: Made, check: Check
    ) -> None:
        self._root = request.root.rstrip("/")
        self._suffixes = tuple(request.suffixes)
        self._all = request.all_added
        self._sealed = sealed
        self._made = made
        self._check = check
        self._unseen = {path for path in made.files if path.startswith(f"{self._root}/")} if self._all else set()
        self._known = {*directories, *(join(directory, BYTECODE) for directory in directories)}
        self._known |= {path.removeprefix(f"{self._root}/") for path in made.directories}

    def walk(self, root: int) -> None:
        """Go through all directories, the root's own first; a mount inside is entered for what can be imported."""
        device = os.fstat(root).st_dev
        mounts = _above_mounts(os.path.realpath(self._root)) if self._all else set()
        waiting, walked, opened = deque([("", os.geteuid(), os.getegid())]), 0, 0
        while waiting and not self._check.result.is_partial:
            directory, uid, gid = waiting.popleft()  # what can be imported lies near the root
            walked, opened = walked + 1, opened + depth(directory)
            if walked > MAX_DIRECTORIES or opened > MAX_OPENED:
                self._check.result.is_partial = True
                return
            try:
                # A directory that a run closed to others is read with its owner's rights.
                with files_as(uid, gid), open_below(root, directory) as fd:
                    is_own = os.fstat(fd).st_dev == device
                    for found in self._look(walk_directory(fd, directory), fd, is_own=is_own):
                        assert found.stat is not None
                        waiting.append((found.path, found.stat.st_uid, found.stat.st_gid))
                        if is_own and found.stat.st_dev == device and found.path not in mounts:
                            self._directory(directory, found)
            except OSError:
                self._unlisted(directory)
        for path in () if self._check.result.is_partial else sorted(self._unseen):
            self._check.odd(path.removeprefix(f"{self._root}/"))

    def _directory(self, parent: str, found: Found) -> None:
        """List a directory that nobody put there; what lies in it is listed by its own name."""
        is_first = parent == "" or parent in self._known
        if self._all and is_first and found.path not in self._known and _is_utf8(found.path):
            self._check.add(_listed(found))

    def _unlisted(self, path: str) -> None:
        """Before a launch nothing may hide; what a run closed even to its owner cannot be imported either."""
        if self._all:
            self._check.odd(path)

    def _look(self, names: Iterable[Found], fd: int, *, is_own: bool) -> Iterator[Found]:
        """List what was added among the names of a directory; yield the directories in it."""
        for found in names:
            if is_directory(found) and found.stat is not None:
                if path_error(found.path) is None:
                    yield found
            elif self._is_added(found, fd, is_own=is_own) and not self._check.add(_listed(found)):
                return

    def _is_added(self, found: Found, fd: int, *, is_own: bool) -> bool:
        if found.path in self._sealed or self._is_seed_s(found):
            return False
        if path_error(found.path) is not None or not _is_utf8(found.path):
            self._unlisted(found.path)  # no name of a module either
            return False
        if self._all and is_own:
            return True
        return found.name.endswith(self._suffixes) or (is_link(found) and _could_be_package(found.name, fd))

    def _is_seed_s(self, found: Found) -> bool:
        """Whether LinkSeed made it; a run may have changed it since, nobody before the launch."""
        path = f"{self._root}/{found.path}"
        made = self._made.files.get(path)
        if made is not None and self._all and found.stat is not None and identity(found.stat) == made:
            self._unseen.discard(path)
        return made is not None


def _above_mounts(root: str) -> set[str]:
    """Return the directories below a root in which something is mounted; the engine made them."""
    found: set[str] = set()
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        point = os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), line.split(b" ")[4]))
        directory = point.removeprefix(f"{root}/") if point.startswith(f"{root}/") else ""
        while directory:
            found.add(directory)
            directory = split(directory)[0]
    return found


def _is_utf8(path: str) -> bool:
    try:
        return bool(path.encode())
    except UnicodeEncodeError:
        return False


def _could_be_package(name: str, parent: int) -> bool:
    try:
        return name.isidentifier() and stat.S_ISDIR(os.stat(name, dir_fd=parent).st_mode)
    except OSError:
        return False


def _listed(found: Found) -> pb.TreeEntry:
    mode = SYMLINK if is_link(found) else REGULAR
    size = found.stat.st_size if found.stat is not None and (is_regular(found) or is_link(found)) else 0
    return pb.TreeEntry(path=found.path, mode=mode, size=size)
