"""Keeps two controllers of one user from making the same image or volume at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def images_lock() -> Iterator[None]:
    """Hold the lock; waits for another holder, whose builds have time limits of their own."""
    path = _folder() / "images.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "nightlab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
