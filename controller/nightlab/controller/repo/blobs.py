"""Keeps file contents under the sha256 of their bytes.

Contents never change and are shared by all trees of a study. Trees, authors and history belong to `history`; when to
remove a study's contents belongs to whoever removes the study.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import structlog

from nightlab.controller.errors import RepoError, StoreError

log: Final = structlog.get_logger()
CHUNK_BYTES: Final = 256 * 1024
DAMAGED_BYTES: Final = 2**20
_IN_MEMORY_BYTES: Final = 4 * 2**20
_NAME: Final = re.compile(r"[0-9a-f]{64}")


class StoredBlob(NamedTuple):
    """One stored content: lowercase hex of its hash, and its size in bytes."""

    sha256: str
    size: int


class BlobStore:
    """A directory of contents, each in a file of mode 0600 named by its hash ("ab/cdef…").

    Any number of threads and processes may use one directory: a file appears whole or not at all. A power loss may cost
    recent contents; `read` notices by their hash.

    Args:
        directory: Made, with mode 0700, if it does not exist.
    """

    def __init__(self, directory: Path) -> None:
        self._dir = directory
        self._incoming = directory / "incoming"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._source: Callable[[str], Iterator[bytes]] = _nowhere
        self._untold: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """Store bytes and return their hash."""
        blob = StoredBlob(hashlib.sha256(content).hexdigest(), len(content))
        if not self._holds(blob):
            fd, name = tempfile.mkstemp(dir=self._incoming)
            with os.fdopen(fd, "wb") as file:
                file.write(content)
            self._publish(Path(name), blob)
        return blob.sha256

    def put_stream(self, source: BinaryIO, *, max_bytes: int) -> StoredBlob:
        """Store what a stream yields until its end.

        Raises:
            RepoError: It yields more than max_bytes; nothing is stored.
        """
        head = source.read(min(_IN_MEMORY_BYTES, max_bytes + 1))
        rest = source.read(1)
        if not rest and len(head) <= max_bytes:
            return StoredBlob(self.put(head), len(head))
        return self._put_large(head + rest, source, max_bytes)

    def put_file(self, path: Path, *, max_bytes: int = 2**40) -> StoredBlob:
        """Store a regular file's content as it is read; never follows a link or waits on a pipe.

        Raises:
            RepoError: It is no regular file, cannot be read, or is larger than max_bytes.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise RepoError(f"{str(path)!r} cannot be read: {error.strerror}") from error
        with os.fdopen(fd, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise RepoError(f"{str(path)!r} is not a regular file")
            return self.put_stream(file, max_bytes=max_bytes)

    def backed_by(self, source: Callable[[str], Iterator[bytes]]) -> None:
        """Name where a content that was damaged here can be had again.

        Args:
            source: Yields the parts of a content by its hash; KeyError if it has not got it.
        """
        self._source = source

    def is_whole(self, sha256: str) -> bool:
        """Tell whether a content is here and has its hash."""
        try:
            digest = hashlib.sha256()
            with self.open(sha256) as file:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
            return digest.hexdigest() == sha256
        except (KeyError, OSError):
            return False

    def mend(self, sha256: str, name: str) -> bytes:
        """Put a damaged or missing content back, from where it can be had again.

        Args:
            sha256: Of what it must be.
            name: What the content is, for the error's text.

        Returns:
            What lay there instead, up to DAMAGED_BYTES; empty if it was missing.

        Raises:
            StoreError: It cannot be had again.
        """
        damaged = self._damaged(sha256)
        try:
            self._replace(sha256, self._source(sha256))
        except (KeyError, OSError, zlib.error) as error:
            raise StoreError(
                f"the stored content of {name} ({sha256[:12]} in {self._dir}) is damaged, and the history has no copy",
                hint="check the disk, and who else writes there; then start a new study",
            ) from error
        return damaged

    def take_untold(self, sha256s: Collection[str]) -> dict[str, bytes]:
        """Return what lay where `read` put something back, by hash, once: whoever takes it tells it."""
        return {sha256: self._untold.pop(sha256) for sha256 in [*self._untold] if sha256 in sha256s}

    def _damaged(self, sha256: str) -> bytes:
        try:
            with self.open(sha256) as file:
                return file.read(DAMAGED_BYTES)
        except (KeyError, OSError):
            return b""

    def _replace(self, sha256: str, parts: Iterator[bytes]) -> None:
        digest = hashlib.sha256()
        fd, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(fd, "wb") as file:
                for part in parts:
                    digest.update(part)
                    file.write(part)
            if digest.hexdigest() != sha256:
                raise KeyError(sha256)
            target = self._path(sha256)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            Path(name).rename(target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108

    def open(self, sha256: str) -> BinaryIO:
        """Open a content for reading; the caller closes it and checks the hash.

        Raises:
            KeyError: It is not here.
        """
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError:
            raise KeyError(sha256) from None

    def read(self, sha256: str, max_bytes: int) -> bytes:
        """Return a content whose hash was checked; one that was damaged is put back first, if it can be had again.

        Raises:
            KeyError: It is not here.
            StoreError: It is damaged or larger than max_bytes.
        """
        content = self._read(sha256, max_bytes)
        if hashlib.sha256(content).hexdigest() != sha256:
            self._untold[sha256] = self.mend(sha256, "a file")
            log.warning("blob.mended", sha256=sha256)
            content = self._read(sha256, max_bytes)
        if len(content) > max_bytes:
            raise StoreError(f"content {sha256[:12]} is larger than the {max_bytes} bytes that were expected")
        return content

    def _read(self, sha256: str, max_bytes: int) -> bytes:
        with self.open(sha256) as file:
            return file.read(max_bytes + 1)

    def has(self, sha256: str) -> bool:
        """Tell whether a content is here."""
        return _NAME.fullmatch(sha256) is not None and self._path(sha256).is_file()

    def size(self, sha256: str) -> int:
        """Return a content's size in bytes.

        Raises:
            KeyError: It is not here.
        """
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            raise KeyError(sha256) from None

    def _path(self, sha256: str) -> Path:
        if _NAME.fullmatch(sha256) is None:
            raise KeyError(sha256)
        return self._dir / sha256[:2] / sha256[2:]

    def _holds(self, blob: StoredBlob) -> bool:
        """A file of another size is what a power loss left; it is written anew."""
        try:
            return self._path(blob.sha256).stat().st_size == blob.size
        except FileNotFoundError:
            return False

    def _put_large(self, head: bytes, source: BinaryIO, max_bytes: int) -> StoredBlob:
        digest, size, chunk = hashlib.sha256(), 0, head
        fd, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(fd, "wb") as file:
                while chunk:
                    size += len(chunk)
                    if size > max_bytes:
                        raise RepoError(f"more than {max_bytes} bytes came where at most that many may be")
                    digest.update(chunk)
                    file.write(chunk)
                    chunk = source.read(CHUNK_BYTES)
            blob = StoredBlob(digest.hexdigest(), size)
            self._publish(Path(name), blob)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108
        return blob

    def _publish(self, temporary: Path, blob: StoredBlob) -> None:
        if self._holds(blob):
            temporary.unlink()
            return
        target = self._path(blob.sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        temporary.rename(target)


def _nowhere(sha256: str) -> Iterator[bytes]:
    raise KeyError(sha256)
