"""A job as the host follows it: its output as it arrives, its lines, its end.

Output is stored before it is acknowledged, and lines are read back from the store: a slow reader costs neither memory
nor the job's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Protocol

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import LinkError, NightlabError
from nightlab.controller.link.journal import Recorded
from nightlab.controller.link.limits import shown
from nightlab.controller.link.output_log import OutputLog
from nightlab.controller.link.values import JobExit

LINE_BYTES: Final = 64 * 1024
MARGIN_S: Final = 30.0  # by which a job may report its end after its own limits


class Output(Protocol):
    """Where one channel goes.

    Attributes:
        end: Offset up to which it is stored.
    """

    end: int

    def append(self, content: bytes) -> None:
        """Store what follows at `end`; may block."""

    def skip_to(self, offset: int) -> None:
        """Go on at a later offset."""

    def finish(self) -> None:
        """Take note that nothing follows; may block."""


class Collected:
    """Keeps the first bytes of a channel in memory; the rest is counted and dropped. A limit of 0 keeps nothing."""

    def __init__(self, limit_bytes: int, start: int = 0) -> None:
        self.end = start
        self.content = bytearray()
        self._limit_bytes = limit_bytes

    @property
    def is_truncated(self) -> bool:
        """Whether there was more than was kept."""
        return self.end > len(self.content)

    def append(self, content: bytes) -> None:
        """Keep what fits."""
        self.content += content[: self._limit_bytes - len(self.content)]
        self.end += len(content)

    def skip_to(self, offset: int) -> None:
        """Count what is gone."""
        self.end = max(self.end, offset)

    def finish(self) -> None:
        """Nothing is to be done."""


class Newest(Collected):
    """Keeps the last bytes of a channel in memory; those before are counted and dropped."""

    def append(self, content: bytes) -> None:
        """Keep it, and as much of what was before as fits."""
        self.content += content
        del self.content[: -self._limit_bytes]
        self.end += len(content)


class Job:
    """A job that runs or has run in a sandbox.

    Attributes:
        job_id: Made by the host.
        is_started: Whether the sandbox has confirmed it.
        acknowledge_every_s: How often its output is acknowledged, which bounds how much comes; 0: at once.
    """

    def __init__(
        self,
        job_id: str,
        stdout: Output,
        stderr: Output | None,
        *,
        limit_s: float = 0.0,
        acknowledge_every_s: float = 0.0,
    ) -> None:
        self.job_id = job_id
        self.is_started = False
        self.acknowledge_every_s = acknowledge_every_s
        self._outputs = {pb.CHANNEL_STDOUT: stdout}
        if stderr is not None:
            self._outputs[pb.CHANNEL_STDERR] = stderr
        self._attached_at = stdout.end
        self._limit_s = limit_s
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._exit: asyncio.Future[JobExit] = asyncio.get_running_loop().create_future()
        self._exit.add_done_callback(lambda exit_: exit_.cancelled() or exit_.exception())  # it need not be awaited

    @property
    def is_ended(self) -> bool:
        """Whether its end, or its loss, is known."""
        return self._exit.done()

    async def lines(self) -> AsyncIterator[str]:
        """Yield its output line by line as it arrives, from where it was attached; standard error too if merged.

        Ends when the job has ended. A line without an end is cut at 64 KiB; bytes that are no UTF-8 are replaced;
        what a reader missed because it was slower than the log's tail is named in a line.

        Raises:
            SandboxLost: The sandbox is gone; what had arrived has been yielded.
            LinkError: The sandbox broke the protocol.
        """
        log = self._outputs[pb.CHANNEL_STDOUT]
        assert isinstance(log, OutputLog), "a tool that is collected in memory has no lines"
        position, rest = self._attached_at, b""
        while True:
            is_last, changed = self.is_ended, self._changed
            begin, content = await asyncio.to_thread(log.read, position, LINE_BYTES)
            if begin > position and content:
                yield f"[nightlab: {begin - position} bytes were not read in time]"
                rest = b""
            position = begin + len(content)
            lines, rest = _split(rest + content)
            for line in lines:
                yield line
            if not content and is_last:
                break
            if not content:
                await changed.wait()
        if rest:
            yield _decoded(rest)
        self._exit.result()

    @property
    def last_words(self) -> bytes:
        """The output that is kept in memory; empty for a job with a log."""
        output = self._outputs[pb.CHANNEL_STDOUT]
        return bytes(output.content) if isinstance(output, Collected) else b""

    async def exited(self) -> JobExit:
        """Wait for its end.

        Raises:
            SandboxLost: The sandbox is gone.
            LinkError: It broke the protocol, or did not report the end within the job's own limits and 30 s.
        """
        try:
            async with asyncio.timeout(self._limit_s + MARGIN_S if self._limit_s else None):
                return await asyncio.shield(self._exit)
        except TimeoutError as error:
            raise LinkError(
                f"job {self.job_id} was to end within {self._limit_s:.0f} s and the sandbox has not said so "
                f"{MARGIN_S:.0f} s later; remove its container"
            ) from error

    def ends(self) -> pb.OutputAck:
        """Say how far its output is stored."""
        stderr = self._outputs.get(pb.CHANNEL_STDERR)
        return pb.OutputAck(
            job_id=self.job_id,
            stdout_offset=self._outputs[pb.CHANNEL_STDOUT].end,
            stderr_offset=stderr.end if stderr is not None else 0,
        )

    async def take(self, message: pb.JobOutput) -> None:
        """Store output that arrived. A second connection's take waits for the first one's, cancelled or not.

        Raises:
            LinkError: The channel or the offset cannot be.
            OSError: It cannot be stored.
        """
        output = self._outputs.get(message.channel)
        if output is None:
            raise LinkError(f"job {self.job_id} has no channel {message.channel}")
        await asyncio.shield(asyncio.ensure_future(self._store(output, message)))

    async def _store(self, output: Output, message: pb.JobOutput) -> None:
        async with self._lock:
            if message.offset > output.end:
                raise LinkError(f"output of job {self.job_id} jumps from {output.end} to {message.offset}")
            fresh = message.data[output.end - message.offset :]
            if isinstance(output, Collected):
                output.append(fresh)
            elif fresh:
                await asyncio.to_thread(output.append, fresh)
            self._notify()

    async def resume(self, state: pb.JobState) -> None:
        """Agree with what a sandbox still holds: bytes that neither side has are left out."""
        self.is_started = True
        async with self._lock:
            self._outputs[pb.CHANNEL_STDOUT].skip_to(state.stdout_start)
            if pb.CHANNEL_STDERR in self._outputs:
                self._outputs[pb.CHANNEL_STDERR].skip_to(state.stderr_start)

    def check_exit(self, told: pb.JobExit) -> JobExit:
        """Turn the sandbox's word on the end into a value.

        Raises:
            LinkError: It does not fit the output that came.
        """
        ends = self.ends()
        if (told.stdout_bytes, told.stderr_bytes) != (ends.stdout_offset, ends.stderr_offset):
            raise LinkError(f"job {self.job_id} is said to have ended at other offsets than its output has")
        how = told.WhichOneof("how")
        if how is None:
            raise LinkError(f"job {self.job_id} is said to have ended, but not how")
        return JobExit(
            code=told.code if how == "code" else None,
            signal=told.signal if how == "signal" else None,
            start_error=shown(told.start_error) or "unknown" if how == "start_error" else "",
            timed_out=told.timed_out,
            stopped=told.stopped,
            stdout_bytes=told.stdout_bytes,
            stderr_bytes=told.stderr_bytes,
            wall_ms=told.wall_ms,
            max_rss_bytes=told.max_rss_bytes,
            cpu_ms=told.cpu_ms,
            killed_processes=told.killed_processes,
        )

    async def finish(self, job_exit: JobExit) -> None:
        """Close its output and let the waiters go."""
        async with self._lock:
            for output in self._outputs.values():
                if isinstance(output, Collected):
                    output.finish()
                else:
                    await asyncio.to_thread(output.finish)
        if not self._exit.done():
            self._exit.set_result(job_exit)
        self._notify()

    def close_with(self, job_exit: JobExit) -> None:
        """Take the end of a job that was over before it was attached; its output is joined if it was not yet."""
        for output in self._outputs.values():
            output.finish()
        self._exit.set_result(job_exit)

    def lose(self, error: NightlabError) -> None:
        """End every wait with an error; what is stored stays."""
        if not self._exit.done():
            self._exit.set_exception(error)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _split(content: bytes) -> tuple[list[str], bytes]:
    """Split into complete lines and a rest shorter than the longest line; '\\r' ends a line too (progress bars)."""
    lines: list[str] = []
    rest = b""
    for line in content.splitlines(keepends=True):
        if line.endswith(b"\n") or (line.endswith(b"\r") and len(line) > 1):
            lines.append(_decoded(line))
        else:
            rest = line
    while len(rest) > LINE_BYTES:
        lines.append(_decoded(rest[:LINE_BYTES]))
        rest = rest[LINE_BYTES:]
    return lines, rest


def _decoded(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode(errors="replace")


def open_job(recorded: Recorded) -> Job:
    """Follow a job of the journal, its output going on where the log ends."""
    stdout = OutputLog(recorded.log)
    stderr = None if recorded.merge else OutputLog(recorded.log.with_name(f"{recorded.log.name}.stderr"))
    job = Job(recorded.job_id, stdout, stderr, limit_s=recorded.limit_s)
    if recorded.exit is not None:
        job.close_with(recorded.exit)
    return job
