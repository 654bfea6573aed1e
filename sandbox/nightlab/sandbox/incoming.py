"""One file or link of a tree on its way to its place: written beside it, checked, then renamed into it."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from typing import Final

from nightlab.api.digest import SYMLINK
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.clearing import remove
from nightlab.sandbox.errors import Refused, invalid
from nightlab.sandbox.paths import split
from nightlab.sandbox.stamp import Identity, identity

_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK_TARGET_BYTES: Final = 4095


class Incoming:
    """A content under way.

    Args:
        entry: What it must be.
        mode: Of the file on disk.
        clear: A directory that is in its place is removed.
    """

    def __init__(self, entry: pb.TreeEntry, mode: int, *, clear: bool) -> None:
        self._entry = entry
        self._mode = mode
        self._clear = clear
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
        """Add content, and hash it as the disk has it.

        Raises:
            Refused: It is longer than was named.
            OSError: No space, ...
        """
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

    def finish(self) -> Identity:
        """Check the content, rename it into its place, and return what tells whether it was changed since.

        Raises:
            Refused: It is not what was named, or something is in its way.
        """
        if (self._size, self._digest.digest()) != (self._entry.size, self._entry.sha256):
            raise self._mismatch()
        if self._entry.mode == SYMLINK:
            if not 0 < self._size <= _LINK_TARGET_BYTES or b"\0" in self._target:
                raise invalid(f"{self._entry.path!r} is a link with an impossible target")
            os.symlink(self._target, os.fsencode(self._temporary), dir_fd=self._parent)
        else:
            os.fchmod(self._fd, stat.S_IMODE(self._mode))
        self._place()
        status = os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
        self._close()
        return identity(status)

    def _place(self) -> None:
        try:
            os.replace(self._temporary, self._name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
        except IsADirectoryError as error:
            if not self._clear:
                raise invalid(f"{self._entry.path!r} is in the way: a directory") from error
            remove(self._parent, self._name)
            os.replace(self._temporary, self._name, src_dir_fd=self._parent, dst_dir_fd=self._parent)

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
