"""All jobs of this supervisor: started once per id, kept until the host holds their end, killed with their forks."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused, invalid, over_limit
from nightlab.sandbox.identity import can_switch, signal_uid
from nightlab.sandbox.job import Job
from nightlab.sandbox.pipes import OutputPipe, open_pipe
from nightlab.sandbox.reaper import Ending, Reaper
from nightlab.sandbox.spawn import EXEC_HELPER, NotStarted, Start, spawn

HOLD_BYTES: Final = 8 * 1024 * 1024
MAX_JOBS: Final = 256
_REMEMBERED_IDS: Final = 4096
_DEFAULT_UMASK: Final = 0o022
_PROCESSES_COUNTED: Final = 65_536


class JobTable:
    """Starts, stops and remembers jobs.

    Attributes:
        on_change: Called whenever there may be something new to send.
    """

    def __init__(self, *, helper: str = EXEC_HELPER) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._helper = helper
        self._jobs: dict[str, Job] = {}
        self._forgotten: dict[str, None] = {}
        self._reaper = Reaper()

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def find(self, job_id: str) -> Job | None:
        """Return the job if the host has not acknowledged its end."""
        return self._jobs.get(job_id)

    def start(self, request: pb.StartJob) -> Job:
        """Start a job, or return the one that has this id already.

        Raises:
            Refused: The request is wrong, its job is over and forgotten, or there are too many.
        """
        known = self._jobs.get(request.job_id)
        if known is not None:
            return known
        self._check(request)
        job = Job(request, lambda: self.on_change())
        self._jobs[job.job_id] = job
        self._launch(job, request)
        return job

    def _check(self, request: pb.StartJob) -> None:
        if not request.job_id or not request.argv or not request.cwd.startswith("/"):
            raise invalid("a job needs an id, an argv and an absolute cwd")
        if request.job_id in self._forgotten:
            raise invalid(f"job {request.job_id} has run, and its end was acknowledged")
        if len(self._jobs) >= MAX_JOBS:
            raise over_limit(f"{MAX_JOBS} jobs are held; acknowledge the ends of some")

    def _launch(self, job: Job, request: pb.StartJob) -> None:
        start = Start(
            argv=tuple(request.argv),
            env=dict(request.env),
            cwd=request.cwd,
            uid=request.uid,
            gid=request.gid,
            umask=request.umask or _DEFAULT_UMASK,
        )
        out_reader, out_writer = open_pipe()
        err_reader, err_writer = (-1, out_writer) if request.merge_output else open_pipe()
        try:
            pid = spawn(start, out_writer, err_writer, helper=self._helper)
        except NotStarted as error:
            for fd in {out_reader, err_reader} - {-1}:
                os.close(fd)
            job.fail_start(str(error))
            return
        finally:
            for fd in {out_writer, err_writer}:
                os.close(fd)
        self._follow(job, request, pid, out_reader, err_reader)

    def _follow(self, job: Job, request: pb.StartJob, pid: int, out_reader: int, err_reader: int) -> None:
        hold = request.output_hold_bytes or HOLD_BYTES

        def changed() -> None:
            job.check_end()
            self.on_change()

        stdout = OutputPipe(out_reader, hold, changed)
        stderr = None if err_reader < 0 else OutputPipe(err_reader, hold, changed)
        job.attach(pid, stdout, stderr)
        job.limit(request.wall_limit_ms / 1000, request.stop_grace_ms / 1000, self.kill)
        self._reaper.watch(pid, lambda _: self._before_reaping(job), lambda ending: self._reaped(job, ending))

    def _owns_uid(self, job: Job) -> bool:
        """Whether every process of its uid is the job's: it is the uid's last, and the uid is not ours."""
        if job.uid in (0, os.geteuid()) or not can_switch():
            return False
        return not any(other.uid == job.uid and other.pid and not other.is_reaped for other in self if other is not job)

    def _before_reaping(self, job: Job) -> None:
        if not self._owns_uid(job):
            job.signal_group(signal.SIGKILL)

    def _reaped(self, job: Job, ending: Ending) -> None:
        job.is_reaped = True
        if self._owns_uid(job):
            job.killed_processes = kill_uid(job.uid)
        job.reaped(ending)

    def kill(self, job: Job) -> None:
        """Kill a job's group, and every process of its uid if it is the uid's last."""
        job.signal_group(signal.SIGKILL)
        if not job.is_reaped and self._owns_uid(job):
            signal_uid(job.uid, signal.SIGKILL)

    async def stop(self, job_id: str, grace_s: float) -> None:
        """End a job and wait until it has ended; one that is over is left alone.

        Raises:
            Refused: There was never such a job.
        """
        job = self._jobs.get(job_id)
        if job is None:
            if job_id in self._forgotten:
                return
            raise Refused(pb.FAILURE_CODE_NOT_FOUND, f"there is no job {job_id!r}")
        job.stop(grace_s, self.kill)
        await job.dead.wait()

    def kill_all(self) -> None:
        """Kill every job at once; nothing is waited for."""
        for job in self:
            self.kill(job)

    def acknowledge(self, ack: pb.OutputAck) -> None:
        """Drop output that the host has stored."""
        job = self._jobs.get(ack.job_id)
        if job is None:
            return
        if job.stdout is not None:
            job.stdout.acknowledge(ack.stdout_offset)
        if job.stderr is not None:
            job.stderr.acknowledge(ack.stderr_offset)

    def forget(self, job_id: str) -> None:
        """Drop a job whose end the host has stored; a running one stays."""
        job = self._jobs.get(job_id)
        if job is None or job.exit is None:
            return
        del self._jobs[job_id]
        self._forgotten[job_id] = None
        if len(self._forgotten) > _REMEMBERED_IDS:
            self._forgotten.pop(next(iter(self._forgotten)))


def kill_uid(uid: int) -> int:
    """Kill what is left of a uid and return how many live processes that were."""
    if not signal_uid(uid, 0):
        return 0
    count = sum(1 for _ in _live_processes(uid))
    signal_uid(uid, signal.SIGKILL)
    return count


def end_uid(uid: int, timeout_s: float) -> tuple[int, int]:
    """Kill every process of a uid and wait until the kernel has let go of them. Blocks.

    Returns:
        How many there were, and how many are left at the end of the time.

    Raises:
        Refused: It is root's or this process's own uid.
    """
    deadline = time.monotonic() + timeout_s
    killed = kill_uid(uid)
    while (left := list(_live_processes(uid))) and time.monotonic() < deadline:
        signal_uid(uid, signal.SIGKILL)
        _await_end(left, deadline)
    return killed, len(left)


def _await_end(pids: list[int], deadline: float) -> None:
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except OSError:
            continue  # it is gone
        try:
            select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        finally:
            os.close(fd)


def _live_processes(uid: int) -> Iterator[int]:
    for pid in process_ids():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if fields.get("Uid", "").split("\t")[0] == str(uid) and not fields.get("State", "Z").startswith("Z"):
            yield pid


def process_ids() -> list[int]:
    """List the processes that this one can see."""
    with os.scandir("/proc") as entries:
        return [int(entry.name) for entry in islice(entries, _PROCESSES_COUNTED) if entry.name.isdigit()]
