"""CheckSeal: whether what lies under a root is still what was sealed there, and what lies beside it.

The supervisor remembers what it hashed and the stamps of its last check, so that data files that did not change are not
read again and a file that was changed and put back is known by its times. Deciding what it means is the host's.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from nightlab.api.digest import EXECUTABLE, REGULAR, SYMLINK
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.beside import Beside, Check
from nightlab.sandbox.errors import printable
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.paths import join, open_below, open_root
from nightlab.sandbox.stamp import Identity, directory_identity, identity, stamp
from nightlab.sandbox.trees import BYTECODE, SEALED_DIRECTORY, Tree, code_directories, is_closed

if TYPE_CHECKING:
    from nightlab.sandbox.seeds import Made

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

    def check(self, request: pb.CheckSeal, made: Made) -> pb.CheckSealResult:
        """Look at everything once.

        Args:
            request: The host's.
            made: What LinkSeed made.

        Raises:
            OSError: The root itself cannot be opened.
        """
        check = Check(request)
        with open_root(self._root) as root:
            for directory in self._code:
                self._check_directory(root, directory, check)
            Beside(request, self._paths, self._code, made, check).walk(root)
        self._finish(request, check)
        return check.result

    def _check_directory(self, root: int, directory: str, check: Check) -> None:
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

    def _check_bytecode(self, fd: int, directory: str, check: Check) -> None:
        path = join(directory, BYTECODE)
        if is_closed(fd):
            check.identities[path + "/"] = identity(os.stat(BYTECODE, dir_fd=fd, follow_symlinks=False))
        else:
            check.odd(path)

    def _check_file(self, parent: int, name: str, path: str, check: Check) -> None:
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

    def _finish(self, request: pb.CheckSeal, check: Check) -> None:
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
