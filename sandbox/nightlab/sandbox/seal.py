"""CheckSeal: whether what lies under a root is still what was sealed there, and what lies beside it.

The supervisor remembers what it hashed and the stamps of its last check, so that data files that did not change are not
read again and a file that was changed and put back is known by its times. Deciding what it means is the host's.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from nightlab.api.digest import EXECUTABLE, REGULAR, SYMLINK, path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import printable
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import Found, is_directory, is_link, is_regular, join, open_below, open_root, walk_directory
from nightlab.sandbox.scan import MAX_DIRECTORIES, ODD_LISTED, RESULT_BYTES
from nightlab.sandbox.stamp import Identity, directory_identity, identity, stamp
from nightlab.sandbox.trees import BYTECODE, SEALED_DIRECTORY, Tree, code_directories, is_closed

TOUCHED_LISTED: Final = 1000
CHECKS_KEPT: Final = 8
_SEALED_MODES: Final = {REGULAR: 0o444, EXECUTABLE: 0o555}


class Seal:
    """What was sealed under one root, and what is known of it. Methods block."""

    def __init__(self, root: str, tree: Tree) -> None:
        self._root = root
        self._paths = frozenset(tree.paths)
        self._hashed = dict(tree.hashed)
        self._by_directory: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            directory, _, name = path.rpartition("/")
            self._by_directory[directory].append(name)
        self._code = code_directories(self._paths)
        self._checks: dict[bytes, dict[str, Identity]] = {}

    def check(self, request: pb.CheckSeal, made: Iterable[str]) -> pb.CheckSealResult:
        """Look at everything once.

        Args:
            request: The host's.
            made: Absolute paths that LinkSeed made.

        Raises:
            OSError: The root itself cannot be opened.
        """
        check = _Check(request)
        with open_root(self._root) as root:
            for directory in self._code:
                self._check_directory(root, directory, check)
            _Beside(request, self._paths, frozenset(made), check).walk(root)
        self._finish(request, check)
        return check.result

    def _check_directory(self, root: int, directory: str, check: _Check) -> None:
        try:
            with open_below(root, directory) as fd:
                status = os.fstat(fd)
                check.identities[directory + "/"] = directory_identity(status)
                if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != SEALED_DIRECTORY:
                    check.odd(directory or ".")
                if self._code[directory]:
                    self._check_bytecode(fd, directory, check)
                for name in self._by_directory[directory]:
                    self._check_file(fd, name, join(directory, name), check)
        except OSError:
            check.odd(directory or ".")

    def _check_bytecode(self, fd: int, directory: str, check: _Check) -> None:
        path = join(directory, BYTECODE)
        if is_closed(fd):
            check.identities[path + "/"] = identity(os.stat(BYTECODE, dir_fd=fd, follow_symlinks=False))
        else:
            check.odd(path)

    def _check_file(self, parent: int, name: str, path: str, check: _Check) -> None:
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        found = identity(status)
        known = self._hashed.get(path)
        try:
            if known is not None and known[0] == found and check.is_large(status.st_size):
                entry = known[1]
            else:
                entry = read_entry(parent, name, path)
                self._hashed[path] = (found, entry)
        except Odd:
            check.odd(path)
            return
        is_ours = status.st_uid == os.geteuid()
        if not is_ours or (entry.mode != SYMLINK and stat.S_IMODE(status.st_mode) != _SEALED_MODES[entry.mode]):
            check.odd(path)
        check.identities[path] = found
        check.seen(entry)

    def _finish(self, request: pb.CheckSeal, check: _Check) -> None:
        result, now = check.result, check.identities
        result.sealed.sort(key=lambda entry: entry.path.encode())
        result.added.sort(key=lambda entry: entry.path.encode())
        result.stamp = stamp(now)
        earlier = self._checks.get(request.since)
        if earlier is not None:
            result.since_known = True
            differing = sorted(path for path in earlier.keys() | now.keys() if earlier.get(path) != now.get(path))
            result.touched.extend(printable(path.rstrip("/") or ".") for path in differing[:TOUCHED_LISTED])
        self._checks[result.stamp] = now
        while len(self._checks) > CHECKS_KEPT:
            del self._checks[next(iter(self._checks))]


class _Check:
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


class _Beside:
    """Lists what was added beside the sealed files."""

    def __init__(self, request: pb.CheckSeal, sealed: frozenset[str], made: frozenset[str], check: _Check) -> None:
        self._root = request.root.rstrip("/")
        self._suffixes = tuple(request.suffixes)
        self._all = request.all_added
        self._sealed = sealed
        self._made = made
        self._check = check

    def walk(self, root: int) -> None:
        """Go through all directories, the root's own first; a mount inside is entered for what can be imported."""
        device = os.fstat(root).st_dev
        waiting, walked = [("", os.geteuid(), os.getegid())], 0
        while waiting and not self._check.result.is_partial:
            directory, uid, gid = waiting.pop()
            walked += 1
            if walked > MAX_DIRECTORIES:
                self._check.result.is_partial = True
                return
            try:
                # A directory that a run closed to others is read with its owner's rights.
                with files_as(uid, gid), open_below(root, directory) as fd:
                    is_own = os.fstat(fd).st_dev == device
                    waiting.extend(self._look(walk_directory(fd, directory), fd, is_own=is_own))
            except OSError:
                self._unlisted(directory)

    def _unlisted(self, path: str) -> None:
        """Before a launch nothing may hide; what a run closed even to its owner cannot be imported either."""
        if self._all:
            self._check.odd(path)

    def _look(self, names: Iterable[Found], fd: int, *, is_own: bool) -> Iterator[tuple[str, int, int]]:
        """List what was added among the names of a directory; yield the directories in it with their owners."""
        for found in names:
            if is_directory(found) and found.stat is not None:
                if path_error(found.path) is None:
                    yield found.path, found.stat.st_uid, found.stat.st_gid
            elif self._is_added(found, fd, is_own=is_own) and not self._check.add(_listed(found)):
                return

    def _is_added(self, found: Found, fd: int, *, is_own: bool) -> bool:
        if found.path in self._sealed or f"{self._root}/{found.path}" in self._made:
            return False
        if path_error(found.path) is not None or not _is_utf8(found.path):
            self._unlisted(found.path)  # no name of a module either
            return False
        if self._all and is_own:
            return True
        return found.name.endswith(self._suffixes) or (is_link(found) and _could_be_package(found.name, fd))


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
