"""`nightlab-exec` in Python, for where there is no toolbox: becomes another user and then another program.

Started as a program of its own, never imported into a process with threads: nothing forks there. The toolbox has the
same in a static binary, which starts in a twentieth of the time.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")
_FAILED: Final = 126
_NOT_FOUND: Final = 127


def main(arguments: list[str]) -> None:
    """Become what the arguments say: UID GID UMASK CWD PROGRAM ARGV0 ARGS...

    Writes one line "nightlab-exec: STEP: REASON" to standard error and exits with 126 or 127 if a step fails.
    """
    uid, gid, umask, cwd, program, *argv = arguments
    steps: list[tuple[str, Callable[[], object]]] = [
        ("setsid", os.setsid),
        ("identity", lambda: _become(int(uid), int(gid))),
        ("umask", lambda: os.umask(int(umask, 8))),
        ("limits", lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))),
        ("no-new-privs", _forbid_privileges),
        ("chdir", lambda: os.chdir(cwd)),
        ("descriptors", lambda: os.closerange(3, os.sysconf("SC_OPEN_MAX"))),
        ("signals", _reset_signals),
        ("exec", lambda: os.execve(program, argv, os.environ)),  # noqa: S606  (a shell is what it avoids)
    ]
    with suppress(OSError), _OOM_SCORE.open("w") as score:
        score.write("1000")
    for name, step in steps:
        try:
            step()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            os.write(2, f"nightlab-exec: {name}: {reason}\n".encode())
            os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) and name == "exec" else _FAILED)


def _become(uid: int, gid: int) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _forbid_privileges() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused")


def _reset_signals() -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


if __name__ == "__main__":
    main(sys.argv[1:])
