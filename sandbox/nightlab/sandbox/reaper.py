"""Reaps children: jobs, and as PID 1 whatever the jobs left behind.

A job's process is looked at before it is reaped, so that its group can be killed while the pid still names it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_REAPED_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended.

    Attributes:
        status: As wait4 has it.
        max_rss_bytes: Of the largest process among it and the children it waited for.
        cpu_ms: User and system time of them all.
    """

    status: int
    max_rss_bytes: int
    cpu_ms: int


class Reaper:
    """Calls back once for each watched process that ended."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[Callable[[int], None], Callable[[Ending], None]]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def watch(self, pid: int, before: Callable[[int], None], after: Callable[[Ending], None]) -> None:
        """Watch a child.

        Args:
            pid: The child.
            before: Called with the pid while it is a zombie: its process group is still its own.
            after: Called when it has been reaped.
        """
        self._watched[pid] = (before, after)
        self._loop.call_soon(self._reap)  # it may have ended before it was watched

    def _reap(self) -> None:
        for _ in range(_REAPED_AT_ONCE):
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            self._finish(found.si_pid)
        self._loop.call_soon(self._reap)

    def _finish(self, pid: int) -> None:
        watcher = self._watched.pop(pid, None)
        if watcher is not None:
            watcher[0](pid)
        _, status, usage = os.wait4(pid, 0)
        if watcher is not None:
            cpu_ms = round((usage.ru_utime + usage.ru_stime) * 1000)
            watcher[1](Ending(status=status, max_rss_bytes=usage.ru_maxrss * 1024, cpu_ms=cpu_ms))
