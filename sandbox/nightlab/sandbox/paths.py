"""Opening and walking below a root without ever following a symbolic link, whoever owns what lies there.

Every component is opened by itself with O_NOFOLLOW from its parent's descriptor, so a link that is swapped in for a
directory is refused, not followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from nightlab.api.digest import path_error
from nightlab.sandbox.errors import invalid

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
MAX_OPENED: Final = 500_000  # components of all directories of one walk: some seconds
_ROOT: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Found:
    """One name of a directory.

    Attributes:
        path: Relative to the walk's root; bytes that are no UTF-8 as surrogates.
        name: Its last part.
        stat: Of the name itself, links not followed; None if it vanished or may not be asked.
    """

    path: str
    name: str
    stat: os.stat_result | None

    @property
    def kind(self) -> int:
        """The file type bits, 0 if unknown."""
        return stat.S_IFMT(self.stat.st_mode) if self.stat else 0


def checked(path: str) -> str:
    """Return a relative path that may be used below a root.

    Raises:
        Refused: It may not.
    """
    wrong = path_error(path)
    if wrong is not None:
        raise invalid(f"path {path!r} {wrong}")
    return path


@contextmanager
def open_root(root: str) -> Iterator[int]:
    """Open an absolute directory. Its own path is the host's word and may hold links of the image."""
    if not root.startswith("/") or "\0" in root:
        raise invalid(f"root {root!r} must be absolute")
    fd = os.open(root, _ROOT)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def open_below(root: int, directory: str) -> Iterator[int]:
    """Open a directory below a root, component by component; "" is the root itself.

    Raises:
        OSError: A component is missing, not a directory, or a link (ELOOP, ENOTDIR).
    """
    fd = os.dup(root)
    try:
        for part in directory.split("/") if directory else ():
            deeper = os.open(part, DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = deeper
        yield fd
    finally:
        os.close(fd)


def depth(directory: str) -> int:
    """Return how many components `open_below` opens: chains of directories cost the square of their length."""
    return directory.count("/") + 1


def split(path: str) -> tuple[str, str]:
    """Split a relative path into its directory ("" for none) and its name."""
    directory, _, name = path.rpartition("/")
    return directory, name


def join(directory: str, name: str) -> str:
    """Join a relative directory ("" for none) and a name."""
    return f"{directory}/{name}" if directory else name


def list_directory(fd: int, directory: str) -> list[Found]:
    """List an open directory, sorted by name. One of a million names takes half a GiB: see `walk_directory`."""
    return sorted(walk_directory(fd, directory), key=lambda found: found.name)


def walk_directory(fd: int, directory: str) -> Iterator[Found]:
    """Yield the names of an open directory in the order of the disk, in constant memory however many there are."""
    with os.scandir(fd) as names:
        for entry in names:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                status = None
            yield Found(path=join(directory, entry.name), name=entry.name, stat=status)


def is_directory(found: Found) -> bool:
    """Tell whether it is a real directory."""
    return found.kind == stat.S_IFDIR


def is_regular(found: Found) -> bool:
    """Tell whether it is a regular file."""
    return found.kind == stat.S_IFREG


def is_link(found: Found) -> bool:
    """Tell whether it is a symbolic link."""
    return found.kind == stat.S_IFLNK
