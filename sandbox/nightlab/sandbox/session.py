"""One Connect stream: what goes up in which order, what comes down, and noticing that the host is silent.

Nothing is owned here that must outlive the stream: jobs, their output and the answers to commands are kept elsewhere,
and the next session says again what this one could not.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc.aio

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox import log
from nightlab.sandbox.commands import Commands
from nightlab.sandbox.job import Job
from nightlab.sandbox.jobs import JobTable, process_ids

PROTOCOL: Final = 1
VERSION: Final = "0.1.0"
WELCOME_TIMEOUT_S: Final = 10.0
CHUNK_BYTES: Final = 256 * 1024
TRIM_BYTES: Final = 2 * 1024 * 1024  # malloc_trim takes a millisecond or two: not for less
_PAGE_BYTES: Final = 4096

Stream = grpc.aio.StreamStreamCall[pb.ConnectRequest, pb.ConnectResponse]


@dataclass(slots=True)
class _Cursor:
    """How far a job was sent in this session."""

    stdout: int
    stderr: int
    exit_sent: bool = False


class Session:
    """A conversation with one host process.

    Attributes:
        welcome: The host's answer; None until it came.
    """

    def __init__(self, stream: Stream, jobs: JobTable, commands: Commands, on_contact: Callable[[], None]) -> None:
        self.welcome: pb.Welcome | None = None
        self._stream = stream
        self._jobs = jobs
        self._commands = commands
        self._on_contact = on_contact
        self._urgent: deque[pb.ConnectRequest] = deque()
        self._cursors: dict[str, _Cursor] = {}
        self._wake = asyncio.Event()
        self._sequence = 0
        self._turn = 0
        self._floor_bytes = rss_bytes()
        self._heard_at = 0.0

    async def run(self, boot_id: str) -> None:
        """Say Hello and serve until the stream ends, the host falls silent, or the caller cancels.

        Raises:
            grpc.aio.AioRpcError: The stream broke.
            TimeoutError: The host is silent.
        """
        await self._greet(boot_id)
        self._jobs.on_change = self._wake.set
        self._commands.reply = lambda result: self._send(pb.ConnectRequest(result=result))
        tasks = [asyncio.ensure_future(work) for work in (self._receive(), self._transmit(), self._beat())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._commands.reply = None
            self._jobs.on_change = lambda: None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _greet(self, boot_id: str) -> None:
        hello = pb.Hello(protocol=PROTOCOL, supervisor_version=VERSION, boot_id=boot_id)
        hello.jobs.extend(job.state() for job in self._jobs)
        await self._stream.write(pb.ConnectRequest(hello=hello))  # waits until there is a host
        async with asyncio.timeout(WELCOME_TIMEOUT_S):
            first = await self._stream.read()
        if not isinstance(first, pb.ConnectResponse) or first.WhichOneof("message") != "welcome":
            raise TimeoutError("the host did not answer the Hello")
        self._heard()
        self.welcome = first.welcome
        for ack in self.welcome.resume:
            self._jobs.acknowledge(ack)
        log.event("link.connected", host_version=self.welcome.host_version)

    def _heard(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._on_contact()

    def _send(self, message: pb.ConnectRequest) -> None:
        self._urgent.append(message)
        self._wake.set()

    async def _receive(self) -> None:
        while True:
            message = await self._stream.read()
            if not isinstance(message, pb.ConnectResponse):
                return  # the host closed the stream
            self._heard()
            self._take(message)

    def _take(self, message: pb.ConnectResponse) -> None:
        kind = message.WhichOneof("message")
        if kind == "command":
            self._commands.accept(message.command)
        elif kind == "output_ack":
            self._jobs.acknowledge(message.output_ack)
        elif kind == "exit_ack":
            self._jobs.forget(message.exit_ack.job_id)
            self._cursors.pop(message.exit_ack.job_id, None)
        elif kind == "heartbeat":
            self._send(self._heartbeat(answers=message.heartbeat.sequence))

    async def _transmit(self) -> None:
        while True:
            message = self._next()
            if message is None:
                self._wake.clear()
                await self._wake.wait()
            else:
                await self._stream.write(message)

    def _next(self) -> pb.ConnectRequest | None:
        """Choose what is sent next: answers first, then output, a job's end after all its output."""
        if self._urgent:
            return self._urgent.popleft()
        jobs = tuple(self._jobs)
        self._turn += 1  # a job that floods must not starve the others
        for index in range(len(jobs)):
            if (message := self._next_of(jobs[(self._turn + index) % len(jobs)])) is not None:
                return message
        return None

    def _next_of(self, job: Job) -> pb.ConnectRequest | None:
        cursor = self._cursors.get(job.job_id)
        if cursor is None:
            state = job.state()
            cursor = self._cursors[job.job_id] = _Cursor(state.stdout_start, state.stderr_start)
        if output := self._output(job, cursor):
            return pb.ConnectRequest(output=output)
        if job.exit is not None and not cursor.exit_sent:
            cursor.exit_sent = True
            return pb.ConnectRequest(exit=job.exit)
        return None

    def _output(self, job: Job, cursor: _Cursor) -> pb.JobOutput | None:
        if job.stdout is not None and cursor.stdout < job.stdout.spool.end:
            offset, data = cursor.stdout, job.stdout.spool.read(cursor.stdout, CHUNK_BYTES)
            cursor.stdout += len(data)
            return pb.JobOutput(job_id=job.job_id, channel=pb.CHANNEL_STDOUT, offset=offset, data=data)
        if job.stderr is not None and cursor.stderr < job.stderr.spool.end:
            offset, data = cursor.stderr, job.stderr.spool.read(cursor.stderr, CHUNK_BYTES)
            cursor.stderr += len(data)
            return pb.JobOutput(job_id=job.job_id, channel=pb.CHANNEL_STDERR, offset=offset, data=data)
        return None

    async def _beat(self) -> None:
        assert self.welcome is not None
        every_s = max(self.welcome.heartbeat_ms, 50) / 1000
        silent_s = max(self.welcome.lost_after_ms, 200) / 1000
        while True:
            await asyncio.sleep(every_s)
            silence = asyncio.get_running_loop().time() - self._heard_at
            if silence > silent_s + every_s:
                raise TimeoutError(f"the host has been silent for {silence:.1f} s")
            self._send(self._heartbeat())
            self._trim()

    def _trim(self) -> None:
        """Give memory back when a transfer or a flood is over; what stays is the new floor."""
        if rss_bytes() > self._floor_bytes + TRIM_BYTES and not any(job.held_bytes for job in self._jobs):
            trim_memory()
            self._floor_bytes = rss_bytes()

    def _heartbeat(self, **answers: Any) -> pb.ConnectRequest:
        self._sequence += 1
        beat = pb.Heartbeat(
            sequence=self._sequence,
            supervisor_rss_bytes=rss_bytes(),
            processes=max(len(process_ids()) - 1, 0),
            **answers,
        )
        return pb.ConnectRequest(heartbeat=beat)


def rss_bytes() -> int:
    """Read this process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def trim_memory() -> None:
    """Give freed memory back to the kernel; a libc that cannot is left alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
