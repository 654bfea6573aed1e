"""Removes what lies below a root, whoever owns it: each directory is emptied with its own owner's rights.

The supervisor is root without the right to pass over file modes, so what somebody else made is removed as them.
No link is followed, and a directory is opened before it is emptied.
"""

from __future__ import annotations

import os
import stat
from typing import Final

from nightlab.sandbox.errors import over_limit
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import DIRECTORY, open_below, split

DEPTH: Final = 200
_EMPTIABLE: Final = 0o700


def remove_below(root: int, path: str) -> None:
    """Remove a path below an open root; one that is not there, or has a link among its directories, is left alone.

    Raises:
        OSError: The kernel refuses: a mount, an immutable file, ...
        Refused: Directories lie deeper in each other than is followed.
    """
    directory, name = split(path)
    try:
        with open_below(root, directory) as parent:
            remove(parent, name)
    except (FileNotFoundError, NotADirectoryError):
        return


def remove(parent: int, name: str) -> None:
    """Remove a name of an open directory, with all that is in it.

    Raises:
        OSError: As `remove_below`.
        Refused: As `remove_below`.
    """
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        _empty(parent, name, status, DEPTH)
    _unlink(parent, name, is_directory=stat.S_ISDIR(status.st_mode))


def _empty(parent: int, name: str, status: os.stat_result, depth: int) -> None:
    if depth == 0:
        raise over_limit(f"directories lie more than {DEPTH} deep")
    with files_as(status.st_uid, status.st_gid):
        # The parent may be closed to the owner, so the mode is opened up through the parent by whoever may.
        fd = _open(parent, name, status)
    try:
        with os.scandir(fd) as entries:
            names = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        for inner, inner_status in names:
            is_directory = stat.S_ISDIR(inner_status.st_mode)
            if is_directory:
                _empty(fd, inner, inner_status, depth - 1)
            _unlink(fd, inner, is_directory=is_directory)
    finally:
        os.close(fd)


def _open(parent: int, name: str, status: os.stat_result) -> int:
    """Open a directory as its owner, with a mode that lets it be emptied."""
    if status.st_mode & _EMPTIABLE != _EMPTIABLE:
        os.chmod(name, _EMPTIABLE, dir_fd=parent)
    fd = os.open(name, DIRECTORY, dir_fd=parent)
    found = os.fstat(fd)
    if (found.st_dev, found.st_ino) != (status.st_dev, status.st_ino):
        os.close(fd)
        raise NotADirectoryError(name)
    return fd


def _unlink(parent: int, name: str, *, is_directory: bool) -> None:
    """Unlink with the rights of the directory's owner, who may remove anything from it."""
    owner = os.fstat(parent)
    with files_as(owner.st_uid, owner.st_gid):
        if is_directory:
            os.rmdir(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)
