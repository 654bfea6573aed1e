"""Hashes what is on disk, as a TreeEntry, from an open parent directory."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Final

from nightlab.api.digest import EXECUTABLE, REGULAR, SYMLINK
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.paths import READ

READ_BYTES: Final = 1024 * 1024


class Odd(Exception):
    """Neither a regular file nor a symbolic link, or not readable."""


def read_entry(parent: int, name: str, path: str, *, max_hash_bytes: int = 0) -> pb.TreeEntry:
    """Describe a file or symbolic link.

    Args:
        parent: Descriptor of its directory.
        name: Its name there.
        path: What the entry calls it.
        max_hash_bytes: A larger file gets no hash; 0: no limit.

    Raises:
        Odd: It is something else, cannot be read, or changed its kind meanwhile.
    """
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            target = os.fsencode(os.readlink(name, dir_fd=parent))
            return pb.TreeEntry(path=path, mode=SYMLINK, size=len(target), sha256=hashlib.sha256(target).digest())
        if not stat.S_ISREG(status.st_mode):
            raise Odd(path)
        return _regular(parent, name, path, max_hash_bytes)
    except OSError as error:
        raise Odd(path) from error


def _regular(parent: int, name: str, path: str, max_hash_bytes: int) -> pb.TreeEntry:
    fd = os.open(name, READ, dir_fd=parent)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise Odd(path)
        mode = EXECUTABLE if status.st_mode & 0o100 else REGULAR
        if max_hash_bytes and status.st_size > max_hash_bytes:
            return pb.TreeEntry(path=path, mode=mode, size=status.st_size)
        size, digest = hash_file(fd, max_hash_bytes)
        return pb.TreeEntry(path=path, mode=mode, size=size, sha256=digest)
    finally:
        os.close(fd)


def hash_file(fd: int, max_bytes: int = 0) -> tuple[int, bytes]:
    """Hash an open file to its end: (bytes, sha256). The hash is empty if it grew past max_bytes (0: no limit)."""
    digest = hashlib.sha256()
    size = 0
    while chunk := os.read(fd, READ_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if max_bytes and size > max_bytes:
            return os.fstat(fd).st_size, b""
    return size, digest.digest()
