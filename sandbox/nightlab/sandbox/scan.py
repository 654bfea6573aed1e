"""ScanTree: what lies under a root, with the hash of each content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from nightlab.api.digest import path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused, over_limit, printable
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.paths import (
    MAX_OPENED,
    Found,
    checked,
    depth,
    is_directory,
    open_below,
    open_root,
    split,
    walk_directory,
)

RESULT_BYTES: Final = 3_500_000  # a result must fit a message of 4 MiB
ODD_LISTED: Final = 1000
ODD_CHARACTERS: Final = 1000
MAX_DIRECTORIES: Final = 100_000


class _Listing:
    """Collects a scan's result within its limits."""

    def __init__(self, request: pb.ScanTree) -> None:
        self.result = pb.ScanTreeResult()
        self._root = request.root
        self._max_entries = request.max_entries
        self._max_hash_bytes = request.max_hash_bytes
        self._suffixes = tuple(request.suffixes)
        self._bytes = 0

    def take(self, parent: int, name: str, path: str) -> None:
        """Add one name that is no directory, if its end is one of those asked for."""
        if self._suffixes and not name.endswith(self._suffixes):
            return
        if path_error(path) is not None:
            self.odd(path)
            return
        try:
            path.encode()
            entry = read_entry(parent, name, path, max_hash_bytes=self._max_hash_bytes)
        except (Odd, UnicodeEncodeError):
            self.odd(path)
            return
        self._count(entry.ByteSize())
        self.result.entries.append(entry)

    def odd(self, path: str) -> None:
        """Add a path that is neither file nor link, or cannot be read; only the first thousand are named."""
        if len(self.result.odd) < ODD_LISTED:
            self._count(len(path))
            self.result.odd.append(printable(path)[:ODD_CHARACTERS])

    def _count(self, size: int) -> None:
        self._bytes += size + 8
        if self._max_entries and len(self.result.entries) >= self._max_entries:
            raise over_limit(f"{self._root} holds more than {self._max_entries} files")
        if self._bytes > RESULT_BYTES:
            raise over_limit(f"the listing of {self._root} is larger than {RESULT_BYTES} bytes")


def scan_tree(request: pb.ScanTree) -> pb.ScanTreeResult:
    """List a tree, sorted by path.

    Raises:
        Refused: More entries than asked for, unless a part of them will do; or a path that leaves the root.
        OSError: The root itself cannot be opened.
    """
    listing = _Listing(request)
    with open_root(request.root) as root:
        try:
            if request.only:
                _scan_only(root, request.only, listing)
            else:
                _scan_all(root, listing)
        except Refused as error:
            if error.code != pb.FAILURE_CODE_LIMIT or not request.allow_partial:
                raise
            listing.result.is_partial = True
    listing.result.entries.sort(key=lambda entry: entry.path.encode())
    listing.result.odd.sort()
    return listing.result


def _scan_only(root: int, only: Sequence[str], listing: _Listing) -> None:
    for path in sorted(set(only)):
        directory, name = split(checked(path))
        try:
            with open_below(root, directory) as parent:
                os.stat(name, dir_fd=parent, follow_symlinks=False)
                listing.take(parent, name, path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # not there: the host sees it by its absence
        except OSError:
            listing.odd(path)


def _scan_all(root: int, listing: _Listing) -> None:
    waiting = [""]
    walked = opened = 0
    while waiting:
        directory = waiting.pop()
        walked, opened = walked + 1, opened + depth(directory)
        if opened > MAX_OPENED:
            raise over_limit("directories lie too deep in each other")
        try:
            with open_below(root, directory) as fd:
                for found in walk_directory(fd, directory):
                    if _is_deeper(fd, found, listing):
                        waiting.append(found.path)
                        if walked + len(waiting) > MAX_DIRECTORIES:
                            raise over_limit(f"more than {MAX_DIRECTORIES} directories")
        except OSError:
            listing.odd(directory)


def _is_deeper(fd: int, found: Found, listing: _Listing) -> bool:
    """Add a name to the listing, unless it is a directory to be walked."""
    if not is_directory(found):
        listing.take(fd, found.name, found.path)
        return False
    if path_error(found.path) is not None:
        listing.odd(found.path)
        return False
    return True
