"""What changes whenever a file does, and one hash over it for a whole tree.

Nobody but the kernel sets a ctime: content that was changed and put back has another stamp.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

Identity = tuple[int, ...]


def identity(status: os.stat_result) -> Identity:
    """Return what changes whenever a file, its content or its owner does."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_uid,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def directory_identity(status: os.stat_result) -> Identity:
    """Return what changes when a directory is replaced or opened up, and not when something is added to it."""
    return (status.st_dev, status.st_ino, status.st_mode, status.st_uid)


def stamp(identities: Mapping[str, Identity]) -> bytes:
    """Hash the identities of a tree."""
    digest = hashlib.sha256()
    for path in sorted(identities):
        digest.update(path.encode(errors="surrogateescape") + b"\0" + repr(identities[path]).encode() + b"\n")
    return digest.digest()
