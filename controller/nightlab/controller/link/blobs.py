"""Serves file contents to a sandbox, and only those that it has been told to fetch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO, Final, Protocol

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.link.limits import CHUNK_BYTES

BATCH_BYTES: Final = 1024 * 1024
BATCH_PARTS: Final = 256


class BlobSource(Protocol):
    """Where contents are kept, under the hash of each."""

    def open(self, sha256: str) -> BinaryIO:
        """Open a content for reading; the caller closes it.

        Args:
            sha256: Lowercase hex.

        Raises:
            KeyError: It is not there.
        """


class NotServed(Exception):
    """A content that the sandbox was not told to fetch, or that the source does not have."""


class Serving:
    """The contents that pending commands name."""

    def __init__(self, source: BlobSource) -> None:
        self._source = source
        self._allowed: dict[bytes, int] = {}

    def allow(self, hashes: Sequence[bytes]) -> None:
        """Let contents be fetched until they are withdrawn as often as they were allowed."""
        for sha256 in hashes:
            self._allowed[sha256] = self._allowed.get(sha256, 0) + 1

    def withdraw(self, hashes: Sequence[bytes]) -> None:
        """Take a permission back."""
        for sha256 in hashes:
            self._allowed[sha256] -= 1
            if self._allowed[sha256] == 0:
                del self._allowed[sha256]

    async def serve(self, hashes: Sequence[bytes]) -> AsyncIterator[pb.FetchBlobsResponse]:
        """Yield contents in the order asked, in chunks; files are read on a thread, a batch at a time.

        Raises:
            NotServed: One of them may not be fetched or is missing.
        """
        for sha256 in hashes:
            if sha256 not in self._allowed:
                raise NotServed(f"content {sha256.hex()[:12]} was not offered")
        reader = _Reader(self._source, hashes)
        try:
            while batch := await asyncio.to_thread(reader.next_batch):
                for part in batch:
                    yield part
        finally:
            reader.close()


class _Reader:
    """Cuts contents into parts. Blocks."""

    def __init__(self, source: BlobSource, hashes: Sequence[bytes]) -> None:
        self._source = source
        self._hashes = hashes
        self._index = 0
        self._file: BinaryIO | None = None
        self._ahead = b""

    def next_batch(self) -> list[pb.FetchBlobsResponse]:
        batch: list[pb.FetchBlobsResponse] = []
        held = 0
        while self._index < len(self._hashes) and held < BATCH_BYTES and len(batch) < BATCH_PARTS:
            batch.append(self._next_part())
            held += len(batch[-1].data)
        return batch

    def _next_part(self) -> pb.FetchBlobsResponse:
        if self._file is None:
            self._file = self._open(self._hashes[self._index].hex())
            self._ahead = self._file.read(CHUNK_BYTES)
        chunk, self._ahead = self._ahead, self._file.read(CHUNK_BYTES)
        part = pb.FetchBlobsResponse(index=self._index, data=chunk, last=not self._ahead)
        if part.last:
            self.close()
            self._index += 1
        return part

    def _open(self, sha256: str) -> BinaryIO:
        try:
            return self._source.open(sha256)
        except KeyError as error:
            raise NotServed(f"content {sha256[:12]} is not in the store") from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
