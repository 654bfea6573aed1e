"""Keeps the small contents of a working tree in memory; of a large one only its hash.

A `repo.snapshot.Contents` for looking at a tree that nobody will run: a data file is hashed and let go.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

from nightlab.controller.errors import RepoError
from nightlab.controller.repo.blobs import CHUNK_BYTES, StoredBlob

KEPT_BYTES: Final = 4 * 2**20  # of one file
TOTAL_BYTES: Final = 512 * 2**20


class MemoryContents:
    """Contents by their sha256."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._left = TOTAL_BYTES

    def put(self, content: bytes) -> str:
        """Take bytes and return their sha256."""
        name = hashlib.sha256(content).hexdigest()
        if name not in self._kept and len(content) <= min(KEPT_BYTES, self._left):
            self._kept[name] = content
            self._left -= len(content)
        return name

    def put_stream(self, source: BinaryIO, *, max_bytes: int) -> StoredBlob:
        """Take what a stream yields until its end.

        Raises:
            RepoError: It yields more than max_bytes.
        """
        digest, size, head = hashlib.sha256(), 0, []
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise RepoError(f"more than {max_bytes} bytes came where at most that many may be")
            if size <= KEPT_BYTES:
                head.append(chunk)
        if size <= KEPT_BYTES:
            return StoredBlob(self.put(b"".join(head)), size)
        return StoredBlob(digest.hexdigest(), size)

    def keeps(self, sha256: str) -> bool:
        """Tell whether a content is here."""
        return sha256 in self._kept

    def get(self, sha256: str) -> bytes | None:
        """Return a content, or None if it was too large to keep."""
        return self._kept.get(sha256)
