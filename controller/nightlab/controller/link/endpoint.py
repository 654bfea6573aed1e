"""Where a sandbox finds the host: a socket in a directory that only the supervisor may enter, under a lock.

A second bind of the same path would silently take a live socket over, and its stop would delete it: the lock, which
the kernel frees when its holder dies, is what prevents that.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from nightlab.controller.errors import LinkError
from nightlab.controller.link.limits import SOCKET_PATH_BYTES

SOCKET_NAME: Final = "link.sock"


class Endpoint:
    """The directory, lock and socket path of one sandbox.

    Attributes:
        socket: Path of the socket.
    """

    def __init__(self, directory: Path) -> None:
        self.socket = directory / SOCKET_NAME
        self._directory = directory
        self._lock_path = directory.with_name(f"{directory.name}.lock")
        self._lock = -1

    def claim(self) -> None:
        """Make the directory, take the lock, and remove the socket of a host process that died.

        The directory is never made anew: a container that has it mounted would keep the old one.

        Raises:
            LinkError: The path is too long, the directory is not ours alone, or another process serves it.
        """
        if len(os.fsencode(self.socket)) > SOCKET_PATH_BYTES:
            raise LinkError(
                f"{self.socket} is longer than the {SOCKET_PATH_BYTES} bytes of a socket path; "
                "use a state directory with a shorter path"
            )
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_lock()
        try:
            self._secure()
            self._remove_stale()
        except BaseException:
            self.release()
            raise

    def _take_lock(self) -> None:
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise LinkError(f"another process serves {self.socket}; stop it first") from error
        self._lock = lock

    def _secure(self) -> None:
        status = self._directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise LinkError(f"{self._directory} is not a directory of uid {os.geteuid()}; remove it")
        # A supervisor has no right to pass over modes: where the host is not root it comes in by the host's group.
        self._directory.chmod(0o700 if os.geteuid() == 0 else 0o750)

    def _remove_stale(self) -> None:
        try:
            status = self.socket.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(status.st_mode):
            raise LinkError(f"{self.socket} is there and is no socket; remove it")
        self.socket.unlink()

    def open_to_supervisor(self) -> None:
        """Set the modes of the socket that was bound."""
        self.socket.chmod(0o600 if os.geteuid() == 0 else 0o660)

    def release(self) -> None:
        """Let the next process claim it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
