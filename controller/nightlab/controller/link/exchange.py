"""The host's half of the protocol for one sandbox, over as many connections as it takes.

Owns which connection is current, which commands wait for an answer, which jobs exist, and whether the sandbox is
alive. Everything that arrives is checked here; what breaks the protocol ends the sandbox for good.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import CommandFailed, LinkError, NightlabError, SandboxLost, StoreError
from nightlab.controller.link.connection import Connection, Stream
from nightlab.controller.link.job import Collected, Job
from nightlab.controller.link.journal import Journal, Recorded
from nightlab.controller.link.limits import COMMAND_BYTES, JOB_ID_CHARACTERS, JOBS_IN_HELLO, PROTOCOL, shown
from nightlab.controller.link.receiving import Receiver

HOST_VERSION: Final = "0.1.0"
_ANSWERED_KEPT: Final = 4096
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Pending:
    """A command without an answer."""

    command: pb.Command
    name: str
    answer: asyncio.Future[pb.CommandResult]


def unstorable(error: OSError) -> StoreError:
    """Return what it means that the host cannot keep what a sandbox sends: no fault of the sandbox, and not over."""
    return StoreError(
        f"what a sandbox sends cannot be stored: {error}",
        hint="free some space there, then go on with `nightlab run --resume`",
    )


@dataclass(frozen=True, slots=True)
class Timing:
    """How often both sides beat, when silence means loss, how long a supervisor without a host lives; seconds."""

    heartbeat_s: float
    lost_after_s: float
    grace_s: float


class Exchange:
    """One sandbox, whatever connects for it.

    Attributes:
        boot_id: Of the supervisor process; empty before the first Hello.
        jobs: Those that are followed, by id.
        receivers: Files on their way out, by the id of the command that asked for them.
        supervisor_rss_bytes: As it last said.
        processes: In the container besides the supervisor, as it last said.
    """

    def __init__(self, journal: Journal, timing: Timing, open_job: Callable[[Recorded], Job]) -> None:
        self.boot_id = ""
        self.jobs: dict[str, Job] = {}
        self.receivers: dict[str, Receiver] = {}
        self.supervisor_rss_bytes = 0
        self.processes = 0
        self._journal = journal
        self._timing = timing
        self._open_job = open_job
        self._failure: NightlabError | None = None
        self._connection: Connection | None = None
        self._contact = asyncio.Event()
        self._pending: dict[str, _Pending] = {}
        self._answered: dict[str, None] = {}
        self._pings: dict[int, asyncio.Future[None]] = {}
        self._instance = os.urandom(6).hex()
        self._numbers = itertools.count(1)
        self._sequence = itertools.count(1)
        self._silent_s = 0.0

    # -- what the host's side calls

    async def connected(self, timeout_s: float) -> None:
        """Wait for a sandbox that said Hello."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._contact.wait()
        except TimeoutError as error:
            raise SandboxLost(
                f"no supervisor has connected within {timeout_s:.0f} s; look at the container's own log for the reason"
            ) from error
        self.check()

    def check(self) -> None:
        """Raise what ended the sandbox, if something did."""
        if self._failure is not None:
            raise self._failure

    def new_id(self) -> str:
        """Make an id that no earlier host process has used with this sandbox."""
        return f"{self._instance}-{next(self._numbers)}"

    async def command(self, name: str, message: Any, timeout_s: float, command_id: str = "") -> Any:
        """Send a command and wait for its result, across reconnections.

        Raises:
            CommandFailed: The supervisor could not do it.
            SandboxLost: It is gone, or did not answer in time.
            LinkError: The command is too large, or the sandbox broke the protocol.
        """
        self.check()
        command = pb.Command(command_id=command_id or self.new_id(), **{name: message})
        if command.ByteSize() > COMMAND_BYTES:
            raise LinkError(f"a {name} of {command.ByteSize()} bytes is too large for one message; use fewer files")
        pending = _Pending(command, name, asyncio.get_running_loop().create_future())
        self._pending[command.command_id] = pending
        try:
            if self._connection is not None:
                self._connection.send(command=command)
            async with asyncio.timeout(timeout_s):
                result = await pending.answer
        except TimeoutError as error:
            raise SandboxLost(f"the sandbox has not answered a {name} within {timeout_s:.0f} s") from error
        finally:
            self._forget(command.command_id)
        if result.WhichOneof("result") == "failure":
            raise _failed(name, result.failure)
        return getattr(result, name)

    def _forget(self, command_id: str) -> None:
        self._pending.pop(command_id, None)
        self._answered[command_id] = None
        if len(self._answered) > _ANSWERED_KEPT:
            self._answered.pop(next(iter(self._answered)))

    async def ping(self, timeout_s: float) -> None:
        """Wait for the answer to a heartbeat."""
        self.check()
        sequence = next(self._sequence)
        answer = self._pings[sequence] = asyncio.get_running_loop().create_future()
        try:
            if self._connection is not None:
                self._connection.send(heartbeat=pb.Heartbeat(sequence=sequence))
            async with asyncio.timeout(timeout_s):
                await answer
        except TimeoutError as error:
            raise SandboxLost(f"the sandbox has not answered a heartbeat within {timeout_s:.0f} s") from error
        finally:
            self._pings.pop(sequence, None)

    def abandon_job(self, job_id: str) -> None:
        """End a job that nobody waits for; its output and its end are dropped when they come."""
        command = pb.Command(command_id=self.new_id(), stop_job=pb.StopJob(job_id=job_id))
        answer: asyncio.Future[pb.CommandResult] = asyncio.get_running_loop().create_future()
        self._pending[command.command_id] = _Pending(command, "stop_job", answer)
        if self._connection is not None:
            self._connection.send(command=command)

        def settled(done: asyncio.Future[pb.CommandResult]) -> None:
            done.exception()  # nobody waits for it
            self._forget(command.command_id)

        answer.add_done_callback(settled)

    def close_connection(self) -> None:
        """End the current stream; the supervisor dials again unless it was told to end."""
        if self._connection is not None:
            self._connection.close()

    def fail(self, error: NightlabError) -> None:
        """End the sandbox for good: every wait raises the error. The first failure stays."""
        if self._failure is not None:
            return
        self._failure = error
        self._contact.set()
        self.close_connection()
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)
        for answer in self._pings.values():
            if not answer.done():
                answer.set_exception(error)
        for job in self.jobs.values():
            job.lose(error)

    async def watch(self) -> None:
        """Beat, and declare the sandbox lost when it is silent for too long.

        Time that this process did not live through (it was stopped, the machine slept) is not held against it.
        """
        loop = asyncio.get_running_loop()
        every_s = self._timing.heartbeat_s
        while self._failure is None:
            before = loop.time()
            await asyncio.sleep(every_s)
            if not self.boot_id:
                continue
            self._silent_s += min(loop.time() - before, 2 * every_s)
            if self._silent_s > self._timing.lost_after_s:
                self.fail(SandboxLost(f"the sandbox has been silent for {self._silent_s:.1f} s"))
            elif self._connection is not None:
                with suppress(LinkError):  # an unread outbox shows as silence
                    self._connection.send(heartbeat=pb.Heartbeat(sequence=next(self._sequence)))

    # -- what the sandbox's side brings

    async def serve(self, stream: Stream) -> None:
        """Hold one conversation; a newer one replaces it.

        Raises:
            NightlabError: What ended the sandbox for good.
        """
        self.check()
        connection = Connection(stream)
        try:
            await self._begin(connection, await connection.hello())
            await self._converse(connection)
        except NightlabError as error:
            _log.warning("link.broken", reason=str(error))
            self.fail(error)
            raise
        except OSError as error:
            self.fail(unstorable(error))
            raise unstorable(error) from error
        finally:
            if self._connection is connection:
                self._connection = None

    async def _begin(self, connection: Connection, hello: pb.Hello) -> None:
        _check_hello(hello)
        self.close_connection()
        if self.boot_id and hello.boot_id != self.boot_id:
            self._restarted()
        self.boot_id = hello.boot_id
        self._silent_s = 0.0
        resume = [await self._resume(state) for state in hello.jobs]
        self._lose_missing({state.job_id for state in hello.jobs})
        timing = self._timing
        connection.send(
            welcome=pb.Welcome(
                host_version=HOST_VERSION,
                heartbeat_ms=round(timing.heartbeat_s * 1000),
                lost_after_ms=round(timing.lost_after_s * 1000),
                grace_ms=round(timing.grace_s * 1000),
                resume=resume,
            )
        )
        for pending in self._pending.values():
            connection.send(command=pending.command)
        self._connection = connection
        self._contact.set()

    def _restarted(self) -> None:
        error = SandboxLost("the supervisor was restarted inside its container: all its jobs are gone")
        for job in self.jobs.values():
            job.lose(error)
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)
        self._pending.clear()

    async def _resume(self, state: pb.JobState) -> pb.OutputAck:
        """Take up a job that the sandbox holds, and say where the host's copy of its output ends."""
        recorded = self._journal.jobs.get(state.job_id)
        if recorded is not None and (known := recorded.exit) is not None:  # its exit comes and is acknowledged again
            return pb.OutputAck(job_id=state.job_id, stdout_offset=known.stdout_bytes, stderr_offset=known.stderr_bytes)
        job = self.jobs.get(state.job_id)
        if job is None:
            job = self._adopt(state, recorded)
        await job.resume(state)
        return job.ends()

    def _adopt(self, state: pb.JobState, recorded: Recorded | None) -> Job:
        if recorded is not None:
            job = self._open_job(recorded)
        else:  # a tool of a host process that died: nobody waits for it
            job = Job(state.job_id, Collected(0, state.stdout_start), Collected(0, state.stderr_start))
            if state.running:
                self.abandon_job(state.job_id)
        self.jobs[state.job_id] = job
        return job

    def _lose_missing(self, held: set[str]) -> None:
        for job_id, job in self.jobs.items():
            if job.is_started and not job.is_ended and job_id not in held:
                job.lose(SandboxLost(f"the sandbox no longer knows job {job_id}"))

    async def _converse(self, connection: Connection) -> None:
        work = (self._receive(connection), connection.transmit(), connection.closed())
        tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, connection: Connection) -> None:
        while (event := await connection.receive()) is not None:
            self._silent_s = 0.0
            kind = event.WhichOneof("event")
            if kind == "output":
                await self._take_output(connection, event.output)
            elif kind == "exit":
                await self._take_exit(connection, event.exit)
            elif kind == "result":
                self._take_result(event.result)
            elif kind == "heartbeat":
                self._take_heartbeat(event.heartbeat)
            else:
                raise LinkError("the sandbox sent a second Hello, or an event of no kind")

    async def _take_output(self, connection: Connection, output: pb.JobOutput) -> None:
        job = self.jobs.get(output.job_id)
        if job is None:
            raise LinkError(f"the sandbox sent output of a job that it was not given: {shown(output.job_id)!r}")
        await job.take(output)
        if job.acknowledge_every_s:
            connection.acknowledge_later(job.job_id, job.ends, job.acknowledge_every_s)
        else:
            connection.acknowledge(job.ends())

    async def _take_exit(self, connection: Connection, told: pb.JobExit) -> None:
        recorded = self._journal.jobs.get(told.job_id)
        job = self.jobs.get(told.job_id)
        if job is None and (recorded is None or recorded.exit is None):
            raise LinkError(f"the sandbox told the end of a job that it was not given: {shown(told.job_id)!r}")
        if job is not None and not job.is_ended:
            job_exit = job.check_exit(told)
            if recorded is not None and recorded.exit is None:
                self._journal.add_exit(told.job_id, job_exit)
            await job.finish(job_exit)
        if recorded is None:
            self.jobs.pop(told.job_id, None)
        connection.send(exit_ack=pb.ExitAck(job_id=told.job_id))

    def _take_result(self, result: pb.CommandResult) -> None:
        pending = self._pending.get(result.command_id)
        if pending is None:
            if result.command_id not in self._answered:
                raise LinkError(f"the sandbox answered a command that it was not given: {shown(result.command_id)!r}")
            return
        if result.WhichOneof("result") not in ("failure", pending.name):
            raise LinkError(f"the sandbox answered a {pending.name} with another command's result")
        if not pending.answer.done():
            pending.answer.set_result(result)

    def _take_heartbeat(self, beat: pb.Heartbeat) -> None:
        self.supervisor_rss_bytes = beat.supervisor_rss_bytes
        self.processes = beat.processes
        answer = self._pings.get(beat.answers)
        if answer is not None and not answer.done():
            answer.set_result(None)


def _check_hello(hello: pb.Hello) -> None:
    if hello.protocol != PROTOCOL:
        raise LinkError(
            f"the supervisor speaks protocol {hello.protocol}, this host {PROTOCOL}: "
            "the toolbox is of another version; let nightlab build it again"
        )
    if not 0 < len(hello.boot_id) <= JOB_ID_CHARACTERS or len(hello.jobs) > JOBS_IN_HELLO:
        raise LinkError("the sandbox's Hello has no usable boot id, or too many jobs")
    if any(not 0 < len(state.job_id) <= JOB_ID_CHARACTERS for state in hello.jobs):
        raise LinkError("the sandbox's Hello names a job by an unusable id")


def _failed(name: str, failure: pb.Failure) -> CommandFailed:
    known = failure.code in pb.FailureCode.values()
    code = pb.FailureCode.Name(failure.code).removeprefix("FAILURE_CODE_") if known else "INTERNAL"
    return CommandFailed(f"{name} failed in the sandbox: {shown(failure.message)}", failure=code)
