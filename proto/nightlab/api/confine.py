"""What a worker process gives up before it looks at code of the repo: network, files, memory, time, privileges.

Everything here happens in the process itself, between exec and the first call. A protection that the kernel refuses
to an unprivileged user (a network namespace) is left out; limits are not.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

WORKER_ID: Final = 65530
ADDRESS_SPACE_BYTES: Final = 1 << 30
CPU_PER_CALL_S: Final = 15
CPU_TOTAL_S: Final = 4 * 3600
OPEN_FILES: Final = 128
_NEW_NET, _NEW_USER = 0x40000000, 0x10000000
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 4, 38
_CAPABILITY_VERSION_3: Final = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def limit(parent: int, *, file_bytes: int = 0, memory_bytes: int = ADDRESS_SPACE_BYTES) -> None:
    """Set the limits that need no privilege, and die with the parent. Call it before any thread starts.

    Whatever the process starts inherits them.

    Args:
        parent: Process id of the host; the worker ends at once if that is not its parent any more.
        file_bytes: Size of the largest file that may be written.
        memory_bytes: Address space of one process.
    """
    _die_with(parent)
    _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (2 * CPU_PER_CALL_S, CPU_TOTAL_S))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write to a file then fails with EFBIG
    leave_network()


def leave_network() -> bool:
    """Move into an empty network namespace where the kernel allows it, and tell whether it did."""
    flags = _NEW_NET if os.geteuid() == 0 else _NEW_NET | _NEW_USER
    return int(_libc.unshare(flags)) == 0


def renew_cpu() -> None:
    """Allow another call's worth of CPU time, counted from what the process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + CPU_PER_CALL_S
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, CPU_TOTAL_S), CPU_TOTAL_S))


def can_change_user() -> bool:
    """Tell whether this is root and the unprivileged user could read the code (a checkout below /root it cannot)."""
    return os.geteuid() == 0 and all(map(_reachable, sys.path))


def change_user(parent: int) -> None:
    """Become an unprivileged user of its own. The socket must be bound and the plugin imported before."""
    os.setgroups([])
    os.setresgid(WORKER_ID, WORKER_ID, WORKER_ID)
    os.setresuid(WORKER_ID, WORKER_ID, WORKER_ID)
    _die_with(parent)  # a change of user clears it


def drop_capabilities() -> None:
    """Give up what root may do beyond its own files. For this thread and those it starts, so call it before any does.

    Raises:
        OSError: The kernel refused.
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "the worker cannot give up its capabilities")


def _die_with(parent: int) -> None:
    _libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _reachable(entry: str) -> bool:
    path = Path(entry)
    return all(not each.exists() or each.stat().st_mode & 0o001 for each in (path, *path.parents))
