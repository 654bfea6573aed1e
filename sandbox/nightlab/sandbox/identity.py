"""Acting as another uid for a moment: file access by setfsuid, signals by a thread's own setresuid.

Both are per thread in the kernel, and glibc's wrappers would change every thread, so the system calls are made raw.
Neither forks: they work when the container has no process left to spare.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nightlab.sandbox.errors import invalid

_NUMBERS: Final = {  # machine: (setresuid, setfsuid, setfsgid)
    "x86_64": (117, 122, 123),
    "aarch64": (147, 151, 152),
}
_libc: Final = ctypes.CDLL(None, use_errno=True)
_SETRESUID, _SETFSUID, _SETFSGID = _NUMBERS.get(platform.machine(), (0, 0, 0))
_QUERY: Final = 0xFFFFFFFF  # an invalid id: the call changes nothing and returns the one in effect


def _call(number: int, *arguments: int) -> int:
    return int(_libc.syscall(ctypes.c_long(number), *(ctypes.c_uint(value) for value in arguments)))


def can_switch() -> bool:
    """Tell whether this process may act as other uids (it is root, on a machine whose call numbers are known)."""
    return os.geteuid() == 0 and _SETRESUID != 0


@contextmanager
def files_as(uid: int, gid: int) -> Iterator[None]:
    """Open and make files as another user, on this thread, until the block ends. Blocks may lie in each other.

    Raises:
        Refused: This process may not.
    """
    before = _in_effect()
    if (uid, gid) == before:
        yield
        return
    if not can_switch():
        raise invalid(f"cannot use files as uid {uid}: the supervisor runs as uid {os.geteuid()}, not root")
    try:
        _call(_SETFSGID, gid)
        _call(_SETFSUID, uid)
        if _in_effect() != (uid, gid):
            raise invalid(f"the kernel refused file access as uid {uid}, gid {gid}")
        yield
    finally:
        _call(_SETFSUID, before[0])
        _call(_SETFSGID, before[1])


def _in_effect() -> tuple[int, int]:
    """Return the uid and gid with which this thread uses files."""
    if not can_switch():
        return os.geteuid(), os.getegid()
    return _call(_SETFSUID, _QUERY) & _QUERY, _call(_SETFSGID, _QUERY) & _QUERY


def signal_uid(uid: int, number: int) -> bool:
    """Send a signal to every process of a uid at once, whatever group or session it fled to.

    `kill(-1)` reaches all that the caller may signal, except itself and PID 1, in one pass that no fork escapes. The
    saved uid stays 0, which is the way back.

    Args:
        uid: Never 0, and never this process's own.
        number: A signal; 0 only asks whether there is such a process.

    Returns:
        Whether there was one.
    """
    if uid in (0, os.geteuid()) or not can_switch():
        raise invalid(f"will not signal every process of uid {uid} as uid {os.geteuid()}")
    if _call(_SETRESUID, uid, uid, 0) != 0:
        raise OSError(ctypes.get_errno(), f"cannot become uid {uid} to signal its processes")
    try:
        done = _libc.kill(-1, number)
        reason = ctypes.get_errno()
    finally:
        if _call(_SETRESUID, 0, 0, 0) != 0:
            os._exit(71)  # a supervisor that is no longer root can do nothing more, and must not run on half able
    if done != 0 and reason != errno.ESRCH:
        raise OSError(reason, f"cannot signal the processes of uid {uid}")
    return bool(done == 0)
