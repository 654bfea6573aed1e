"""Takes files out of a sandbox into a directory of the host: staged while they come, placed when all are there.

Names, sizes and counts come from untrusted code. A name is used only below the directory, part by part, without
following links; what is over a limit ends the transfer. Contents are never opened or unpacked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from nightlab.api.digest import path_error
from nightlab.controller.errors import LinkError

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Unwelcome(Exception):
    """A file that the host does not take; the text says why."""


class Receiver:
    """The files of one ReadFiles. Methods block."""

    def __init__(self, into: Path, *, max_files: int, max_file_bytes: int, max_total_bytes: int) -> None:
        self._into = into
        self._max_files = max_files
        self._max_file_bytes = max_file_bytes
        self._max_total_bytes = max_total_bytes
        self._staging = into / f".incoming-{os.urandom(8).hex()}"
        self._staged: dict[str, StagedFile] = {}
        self._count = 0
        self._staging.mkdir(parents=True, mode=0o700)

    def begin(self, path: str) -> StagedFile:
        """Open a place for a file that comes; a path that came before is replaced.

        Raises:
            Unwelcome: A name that may not be used, or too many files.
        """
        wrong = path_error(path) or (None if path.isprintable() else "is not printable")
        if wrong is not None:
            raise Unwelcome(f"path {path!r:.200} {wrong}")
        self._drop(path)
        for refused in [name for name, file in self._staged.items() if file.is_discarded]:
            del self._staged[refused]
        if len(self._staged) >= self._max_files:
            raise Unwelcome(f"more than {self._max_files} files")
        room = self._max_total_bytes - sum(file.size for file in self._staged.values())
        self._count += 1
        staged = StagedFile(self._staging / str(self._count), min(self._max_file_bytes, room))
        self._staged[path] = staged
        return staged

    def _drop(self, path: str) -> None:
        earlier = self._staged.pop(path, None)
        if earlier is not None:
            earlier.discard()

    def place(self, told: Iterable[tuple[str, int, bytes]]) -> tuple[dict[str, int], dict[str, str]]:
        """Move what the sandbox says it sent to its paths: (path -> bytes, path -> why not).

        Args:
            told: Path, size and sha256 of each file in the result.

        Raises:
            LinkError: It tells of a file that did not come, or came otherwise.
        """
        files: dict[str, int] = {}
        skipped: dict[str, str] = {}
        root = os.open(self._into, _DIRECTORY)
        try:
            for path, size, sha256 in told:
                staged = self._staged.get(path)
                if staged is None or not staged.is_complete or (staged.size, staged.sha256) != (size, sha256):
                    raise LinkError(f"the sandbox says that it sent {path!r:.200}, which is not what came")
                try:
                    _place(root, staged.path, path)
                    files[path] = size
                except OSError as error:
                    skipped[path] = f"cannot be stored: {error.strerror}"
        finally:
            os.close(root)
        return files, skipped

    def close(self) -> None:
        """Remove what was staged and not placed."""
        for staged in self._staged.values():
            staged.discard()
        shutil.rmtree(self._staging, ignore_errors=True)


class StagedFile:
    """One file on its way.

    Attributes:
        path: Where it is staged.
        size: Bytes so far.
        is_complete: Whether its end came.
        is_discarded: Whether it was given up; its bytes no longer count.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.size = 0
        self.is_complete = False
        self.is_discarded = False
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._fd = os.open(path, _CREATE, 0o600)

    @property
    def sha256(self) -> bytes:
        """The hash of what came."""
        return self._digest.digest()

    def write(self, content: bytes) -> None:
        """Add content.

        Raises:
            Unwelcome: It is over the limit, or the file was replaced meanwhile.
        """
        self.size += len(content)
        if self.size > self._max_bytes or self._fd < 0:
            raise Unwelcome(f"larger than {self._max_bytes} bytes")
        self._digest.update(content)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def complete(self) -> bytes:
        """Close it and return its hash."""
        self._close()
        self.is_complete = True
        return self.sha256

    def discard(self) -> None:
        """Remove it."""
        self.is_discarded = True
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _place(root: int, staged: Path, path: str) -> None:
    fd = os.dup(root)
    try:
        *directories, name = path.split("/")
        for part in directories:
            with suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=fd)
            deeper = os.open(part, _DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = deeper
        os.replace(staged, name, dst_dir_fd=fd)
    finally:
        os.close(fd)
