"""Files and links of a tree, between our values and the protocol's messages. What comes from a sandbox is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from nightlab.api.digest import MODES, path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import LinkError
from nightlab.controller.link.limits import shown
from nightlab.controller.model.tree import Entry

ENTRY_BYTES: Final = 80  # a TreeEntry less its path, at most
LISTING_BYTES: Final = 3_000_000  # fits one message, and is less than a sandbox refuses to list


def batched_paths(paths: Iterable[str]) -> Iterator[list[str]]:
    """Cut paths into batches whose entries fit one message."""
    batch: list[str] = []
    size = 0
    for path in paths:
        cost = len(path.encode()) + ENTRY_BYTES
        if batch and size + cost > LISTING_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += cost
    if batch:
        yield batch


def to_message(entry: Entry) -> pb.TreeEntry:
    """Write an entry for a sandbox."""
    return pb.TreeEntry(path=entry.path, mode=entry.mode, size=entry.size, sha256=bytes.fromhex(entry.sha256))


def from_message(told: pb.TreeEntry) -> Entry:
    """Read an entry that a sandbox listed.

    Raises:
        LinkError: Its path, mode or hash is impossible.
    """
    if path_error(told.path) is not None or told.mode not in MODES or len(told.sha256) not in (0, 32):
        raise LinkError(f"the sandbox listed an impossible file {shown(told.path)!r}")
    return Entry(path=told.path, mode=told.mode, size=told.size, sha256=told.sha256.hex())
