"""Reads blobs out of loose git objects, part by part, without git; and hashes what is read on its way."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

PART_BYTES: Final = 256 * 1024
HEADER_BYTES: Final = 64


class Hashed:
    """A stream that is hashed while it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read as the stream does."""
        part = self._stream.read(size)
        self._digest.update(part)
        return part

    @property
    def hexdigest(self) -> str:
        """Lowercase hex of the sha256 over what was read."""
        return self._digest.hexdigest()


def blob_parts(objects: Path, oid: str) -> Iterator[bytes]:
    """Yield the content of a blob in parts.

    Raises:
        KeyError: There is no such loose object, or it is no blob.
        zlib.error: It is damaged.
        OSError: It cannot be read.
    """
    try:
        file = (objects / oid[:2] / oid[2:]).open("rb")
    except FileNotFoundError:
        raise KeyError(oid) from None
    with file:
        unpacker = zlib.decompressobj()
        head = b""
        while b"\0" not in head and len(head) < HEADER_BYTES and (packed := file.read(HEADER_BYTES)):
            head += unpacker.decompress(packed)
        kind, nul, rest = head.partition(b"\0")
        if not nul or not kind.startswith(b"blob "):
            raise KeyError(oid)
        yield rest
        while packed := file.read(PART_BYTES):
            while packed:
                yield unpacker.decompress(packed, PART_BYTES)
                packed = unpacker.unconsumed_tail
        yield unpacker.flush()
