"""One job: a process started for the host, its output, its limits and its end.

The table of all jobs decides who may die with it; the link decides when its output is sent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import printable
from nightlab.sandbox.pipes import OutputPipe
from nightlab.sandbox.reaper import Ending
from nightlab.sandbox.spawn import HELPER_PREFIX

_HELPER_FAILED: Final = (126, 127)


class Job:
    """A job that has been started, or could not be.

    Attributes:
        job_id: Made by the host.
        uid: Whose processes die with it.
        stdout: Its output; carries the standard error too if that is merged.
        stderr: Its standard error; None if merged or never started.
        pid: 0 if it never ran.
        exit: Set once when it is dead and its output has been read to the end.
        dead: Set when it runs no more; its output may still be on its way.
    """

    def __init__(self, request: pb.StartJob, on_change: Callable[[], None]) -> None:
        self.job_id = request.job_id
        self.uid = request.uid
        self.stdout: OutputPipe | None = None
        self.stderr: OutputPipe | None = None
        self.pid = 0
        self.exit: pb.JobExit | None = None
        self.dead = asyncio.Event()
        self.is_reaped = False
        self.killed_processes = 0
        self._timed_out = False
        self._is_dying = False
        self._stopped = False
        self._ending: Ending | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started_ns = time.monotonic_ns()
        self._on_change = on_change

    @property
    def pipes(self) -> tuple[OutputPipe, ...]:
        """The channels that it has."""
        return tuple(pipe for pipe in (self.stdout, self.stderr) if pipe is not None)

    @property
    def held_bytes(self) -> int:
        """Output that the host has not acknowledged."""
        return sum(pipe.spool.held_bytes for pipe in self.pipes)

    def attach(self, pid: int, stdout: OutputPipe, stderr: OutputPipe | None) -> None:
        """Take the process that was started."""
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr

    def fail_start(self, reason: str) -> None:
        """Record that it never ran."""
        self._conclude(pb.JobExit(job_id=self.job_id, start_error=printable(reason)[:1000]))

    def limit(self, wall_s: float, grace_s: float, kill: Callable[[Job], None]) -> None:
        """End it after a wall time: TERM, then `kill` after the grace."""
        if wall_s > 0:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wall_s, self._time_out, grace_s, kill)

    def stop(self, grace_s: float, kill: Callable[[Job], None]) -> None:
        """End it by the host's wish; a second stop may shorten the grace, never lengthen it."""
        if not self.is_reaped and self.exit is None:
            self._stopped = True
            self._terminate(grace_s, kill)

    def _time_out(self, grace_s: float, kill: Callable[[Job], None]) -> None:
        self._timed_out = True
        self._terminate(grace_s, kill)

    def _terminate(self, grace_s: float, kill: Callable[[Job], None]) -> None:
        deadline = asyncio.get_running_loop().time() + grace_s
        if self._timer is not None:
            if self._is_dying:
                deadline = min(deadline, self._timer.when())
            self._timer.cancel()
        self._is_dying = True
        self.signal_group(signal.SIGTERM)
        self._timer = asyncio.get_running_loop().call_at(deadline, kill, self)

    def signal_group(self, number: int) -> None:
        """Signal its process group; the process alone while it has not yet made a session of its own."""
        if self.is_reaped or self.pid == 0:
            return
        for send in (os.killpg, os.kill):
            try:
                send(self.pid, number)
            except ProcessLookupError:
                continue

    def reaped(self, ending: Ending) -> None:
        """Take the process's end; the exit is complete when the pipes have ended too."""
        self.is_reaped = True
        self._ending = ending
        self.dead.set()
        if self._timer is not None:
            self._timer.cancel()
        for pipe in self.pipes:
            pipe.expect_end()
        self.check_end()

    def check_end(self) -> None:
        """Complete the exit if nothing more can come."""
        if self.exit is not None or self._ending is None or any(pipe.is_open for pipe in self.pipes):
            return
        report = pb.JobExit(
            job_id=self.job_id,
            timed_out=self._timed_out,
            stopped=self._stopped,
            stdout_bytes=self.stdout.spool.end if self.stdout else 0,
            stderr_bytes=self.stderr.spool.end if self.stderr else 0,
            wall_ms=(time.monotonic_ns() - self._started_ns) // 1_000_000,
            max_rss_bytes=self._ending.max_rss_bytes,
            cpu_ms=self._ending.cpu_ms,
            killed_processes=self.killed_processes,
        )
        self._tell_how(report, self._ending.status)
        self._conclude(report)

    def _tell_how(self, report: pb.JobExit, status: int) -> None:
        if os.WIFSIGNALED(status):
            report.signal = os.WTERMSIG(status)
            return
        code = os.waitstatus_to_exitcode(status)
        told = self.pipes[-1].first
        if code in _HELPER_FAILED and told.startswith(HELPER_PREFIX) and told.count(b"\n") <= 1:
            report.start_error = told.decode(errors="replace").strip()
        else:
            report.code = code

    def _conclude(self, report: pb.JobExit) -> None:
        self.exit = report
        self.dead.set()
        self._on_change()

    def state(self) -> pb.JobState:
        """Describe it for a Hello."""
        return pb.JobState(
            job_id=self.job_id,
            running=self.exit is None,
            exit=self.exit,
            stdout_start=self.stdout.spool.start if self.stdout else 0,
            stderr_start=self.stderr.spool.start if self.stderr else 0,
        )
