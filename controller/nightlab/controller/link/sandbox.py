"""A sandbox as the walk of a trial uses it: trees in, jobs, files out, and questions about the image.

Every method waits with a deadline, survives reconnections unseen, and raises CommandFailed when the supervisor could
not do it, SandboxLost when the sandbox is gone, LinkError when it broke the protocol.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import CommandFailed, LinkError, SandboxLost
from nightlab.controller.link.blobs import Serving
from nightlab.controller.link.exchange import Exchange
from nightlab.controller.link.image_commands import ANSWER_S, DISK_S, ImageCommands
from nightlab.controller.link.job import MARGIN_S, Collected, Job, open_job
from nightlab.controller.link.journal import Journal, Recorded
from nightlab.controller.link.limits import shown
from nightlab.controller.link.plugin_commands import PluginCommands
from nightlab.controller.link.receiving import Receiver
from nightlab.controller.link.tree_commands import TreeCommands
from nightlab.controller.link.values import JobResult, ReadResult

TOOL_OUTPUT_BYTES: Final = 16 * 1024 * 1024
_LOWEST_WALL_MS: Final = 1


class Sandbox(ImageCommands, PluginCommands, TreeCommands):
    """One connected sandbox; made by LinkServer."""

    def __init__(self, exchange: Exchange, journal: Journal, serving: Serving) -> None:
        self._exchange = exchange
        self._journal = journal
        self._serving = serving

    @property
    def boot_id(self) -> str:
        """The supervisor process's own id; another one means that all jobs are gone."""
        return self._exchange.boot_id

    @property
    def supervisor_rss_bytes(self) -> int:
        """The supervisor's resident memory, by its own word."""
        return self._exchange.supervisor_rss_bytes

    @property
    def processes(self) -> int:
        """Processes in the container besides the supervisor, by its own word."""
        return self._exchange.processes

    async def ping(self, timeout_s: float = ANSWER_S) -> float:
        """Measure a round trip, in seconds."""
        began = time.perf_counter()
        await self._exchange.ping(timeout_s)
        return time.perf_counter() - began

    # -- jobs

    async def run(
        self,
        job_id: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        uid: int,
        gid: int,
        wall_limit_s: float,
        output_limit_bytes: int = TOOL_OUTPUT_BYTES,
        merge: bool = False,
        stop_grace_s: float = 1.0,
    ) -> JobResult:
        """Run a small tool and collect what it says; it is ended at its wall limit.

        Args:
            job_id: Names it; may be used again.
            argv: The program is looked up on PATH of env.
            env: The whole environment.
            cwd: Absolute.
            uid: Its only uid.
            gid: Its only group.
            wall_limit_s: More than 0.
            output_limit_bytes: Kept of each channel; the rest is dropped and the tool goes on.
            merge: Whether standard error goes to standard output.
            stop_grace_s: Between TERM and KILL at the wall limit.
        """
        stdout, stderr = Collected(output_limit_bytes), None if merge else Collected(output_limit_bytes)
        wire_id = f"{job_id[:80]}.{self._exchange.new_id()}"
        job = Job(wire_id, stdout, stderr, limit_s=wall_limit_s + stop_grace_s)
        request = _start(wire_id, argv, env, cwd, uid, gid, wall_limit_s, stop_grace_s, merge)
        self._exchange.jobs[wire_id] = job
        try:
            await self._begin(job, request)
            job_exit = await job.exited()
        except asyncio.CancelledError:
            self._exchange.abandon_job(wire_id)
            raise
        truncated = stdout.is_truncated or (stderr is not None and stderr.is_truncated)
        return JobResult(job_exit, bytes(stdout.content), bytes(stderr.content) if stderr else b"", truncated)

    async def start_job(
        self,
        job_id: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        uid: int,
        gid: int,
        wall_limit_s: float,
        stop_grace_s: float,
        log: Path,
        merge: bool = True,
    ) -> Job:
        """Start a job whose output goes to a file; one with this id that was started already is followed.

        Args:
            job_id: Unique in the sandbox's life.
            argv: The program is looked up on PATH of env.
            env: The whole environment.
            cwd: Absolute.
            uid: Its only uid; all of the uid's processes end with it.
            gid: Its only group.
            wall_limit_s: After it, TERM; 0: no limit.
            stop_grace_s: Between TERM and KILL.
            log: Where the output goes: all of it up to 64 MiB, beyond that the head and the tail.
            merge: Whether standard error goes there too; else to the same name with ".stderr".

        Raises:
            SandboxLost: A job with this id belonged to a supervisor that is gone.
        """
        recorded = self._journal.jobs.get(job_id)
        if recorded is None:
            limit_s = wall_limit_s + stop_grace_s if wall_limit_s else 0.0
            recorded = Recorded(job_id=job_id, log=log, merge=merge, limit_s=limit_s, boot_id=self.boot_id)
            self._journal.add_job(recorded)
        job = self._follow(recorded)
        if not job.is_started and not job.is_ended:
            request = _start(job_id, argv, env, cwd, uid, gid, wall_limit_s, stop_grace_s, merge)
            await self._begin(job, request)
        return job

    async def _begin(self, job: Job, request: pb.StartJob) -> None:
        try:
            await self._exchange.command("start_job", request, ANSWER_S)
        except CommandFailed:
            self._exchange.jobs.pop(job.job_id, None)
            raise
        job.is_started = True

    def attach_job(self, job_id: str, log: Path) -> Job:
        """Follow a job that an earlier host process started; its log goes on where it ends.

        Args:
            job_id: As it was started.
            log: As it was started.

        Raises:
            CommandFailed: It was never started (failure "NOT_FOUND"); start_job starts it.
            SandboxLost: It belonged to a supervisor that is gone.
            LinkError: It was started with another log.
        """
        recorded = self._journal.jobs.get(job_id)
        if recorded is None:
            raise CommandFailed(f"job {job_id} was never started in this sandbox", failure="NOT_FOUND")
        if recorded.log != log:
            raise LinkError(f"job {job_id} writes {recorded.log}, not {log}; attach it with its own log")
        job = self._follow(recorded)
        if not job.is_started and not job.is_ended:
            raise CommandFailed(f"job {job_id} was planned but never reached the sandbox", failure="NOT_FOUND")
        return job

    def _follow(self, recorded: Recorded) -> Job:
        job = self._exchange.jobs.get(recorded.job_id)
        if job is None:
            job = open_job(recorded)
            self._exchange.jobs[recorded.job_id] = job
        if not job.is_ended and recorded.exit is None and recorded.boot_id != self.boot_id:
            job.lose(SandboxLost(f"job {recorded.job_id} belonged to a supervisor that is gone"))
        return job

    async def end_processes(self, uid: int, timeout_s: float) -> tuple[int, int]:
        """Kill every process of a uid, whatever session it fled to.

        Returns:
            How many there were, and how many the kernel had not let go of after the time.
        """
        message = pb.EndProcesses(uid=uid, timeout_ms=round(timeout_s * 1000))
        result = await self._exchange.command("end_processes", message, timeout_s + MARGIN_S)
        return result.killed, result.left

    async def stop_job(self, job_id: str, grace_s: float) -> None:
        """End a job and all processes of its uid: TERM, then KILL after the grace. One that has ended stays so."""
        message = pb.StopJob(job_id=job_id, grace_ms=round(grace_s * 1000))
        await self._exchange.command("stop_job", message, grace_s + MARGIN_S)

    # -- files

    async def read_files(
        self,
        root: str,
        globs: Sequence[str],
        *,
        into: Path,
        max_files: int,
        max_file_bytes: int,
        max_total_bytes: int,
        as_uid: int,
        as_gid: int,
        timeout_s: float = DISK_S,
    ) -> ReadResult:
        """Take files out of the sandbox.

        Args:
            root: Absolute.
            globs: Relative; '**' crosses directories.
            into: A directory of the host's own; files appear below it under their relative paths when all are there.
            max_files: Taken at most; the others are skipped.
            max_file_bytes: Larger ones are skipped.
            max_total_bytes: Of all together.
            as_uid: Opened with this uid's rights.
            as_gid: Opened with this group's rights.
            timeout_s: For all of it.
        """
        message = pb.ReadFiles(
            root=root,
            globs=globs,
            max_files=max_files,
            max_file_bytes=max_file_bytes,
            max_total_bytes=max_total_bytes,
            as_uid=as_uid,
            as_gid=as_gid,
        )
        limits = {"max_files": max_files, "max_file_bytes": max_file_bytes, "max_total_bytes": max_total_bytes}
        receiver = await asyncio.to_thread(Receiver, into, **limits)
        command_id = self._exchange.new_id()
        self._exchange.receivers[command_id] = receiver
        try:
            result = await self._exchange.command("read_files", message, timeout_s, command_id)
            told = [(entry.path, entry.size, entry.sha256) for entry in result.files]
            files, refused = await asyncio.to_thread(receiver.place, told)
        finally:
            del self._exchange.receivers[command_id]
            await asyncio.to_thread(receiver.close)
        skipped = {shown(skip.path): shown(skip.reason) for skip in result.skipped}
        return ReadResult(files=files, skipped=skipped | refused)

    async def shutdown(self) -> None:
        """End all jobs and the supervisor; the container exits with status 0."""
        await self._exchange.command("shutdown", pb.Shutdown(), ANSWER_S)
        self._exchange.close_connection()


def _start(
    job_id: str,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    uid: int,
    gid: int,
    wall_limit_s: float,
    stop_grace_s: float,
    merge: bool,
) -> pb.StartJob:
    return pb.StartJob(
        job_id=job_id,
        argv=argv,
        env=env,
        cwd=cwd,
        uid=uid,
        gid=gid,
        wall_limit_ms=max(round(wall_limit_s * 1000), _LOWEST_WALL_MS) if wall_limit_s else 0,
        stop_grace_ms=round(stop_grace_s * 1000),
        merge_output=merge,
    )
