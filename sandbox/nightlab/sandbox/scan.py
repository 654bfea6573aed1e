"""ScanTree: what lies under a root, with the hash of each content."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

from nightlab.api.digest import path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import over_limit, printable
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.paths import checked, is_directory, list_directory, open_below, open_root, split

RESULT_BYTES: Final = 3_500_000  # a result must fit a message of 4 MiB
ODD_LISTED: Final = 1000
MAX_DIRECTORIES: Final = 100_000


class _Listing:
    """Collects a scan's result within its limits."""

    def __init__(self, request: pb.ScanTree) -> None:
        self.result = pb.ScanTreeResult()
        self._root = request.root
        self._max_entries = request.max_entries
        self._max_hash_bytes = request.max_hash_bytes
        self._bytes = 0

    def take(self, parent: int, name: str, path: str) -> None:
        """Add one name that is no directory."""
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
            self.result.odd.append(printable(path))

    def _count(self, size: int) -> None:
        self._bytes += size + 8
        if self._max_entries and len(self.result.entries) >= self._max_entries:
            raise over_limit(f"{self._root} holds more than {self._max_entries} files")
        if self._bytes > RESULT_BYTES:
            raise over_limit(f"the listing of {self._root} is larger than {RESULT_BYTES} bytes")


def scan_tree(request: pb.ScanTree) -> pb.ScanTreeResult:
    """List a tree, sorted by path.

    Raises:
        Refused: More entries than asked for, or a path that leaves the root.
        OSError: The root itself cannot be opened.
    """
    listing = _Listing(request)
    with open_root(request.root) as root:
        if request.only:
            _scan_only(root, request.only, listing)
        else:
            _scan_all(root, listing)
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
    walked = 0
    while waiting:
        directory = waiting.pop()
        walked += 1
        if walked > MAX_DIRECTORIES:
            raise over_limit(f"more than {MAX_DIRECTORIES} directories")
        try:
            with open_below(root, directory) as fd:
                waiting.extend(_scan_directory(fd, directory, listing))
        except OSError:
            listing.odd(directory)


def _scan_directory(fd: int, directory: str, listing: _Listing) -> Iterator[str]:
    for found in list_directory(fd, directory):
        if is_directory(found):
            if path_error(found.path) is None:
                yield found.path
            else:
                listing.odd(found.path)
        else:
            listing.take(fd, found.name, found.path)
