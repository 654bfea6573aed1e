"""A plugin in a sandbox: the job that serves it, whose last words are kept, and the calls that go to its socket.

What the bytes of a call mean belongs to `actions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import CommandFailed, LinkError
from nightlab.controller.link.exchange import Exchange
from nightlab.controller.link.image_commands import ANSWER_S
from nightlab.controller.link.job import Job, Newest
from nightlab.controller.link.limits import shown
from nightlab.controller.link.values import PluginAnswer

ANSWER_BYTES: Final = 4 * 2**20
LAST_WORDS_BYTES: Final = 16 * 1024
OUTPUT_HOLD_BYTES: Final = 256 * 1024
ACKNOWLEDGE_EVERY_S: Final = 0.25
"""A plugin that floods its log is slowed to OUTPUT_HOLD_BYTES in this time, so it costs the host next to nothing."""
LAST_STATUS: Final = 16
CALL_MARGIN_S: Final = 5.0


class PluginCommands:
    """Commands that start a plugin and call it; limits as in the protocol."""

    _exchange: Exchange

    async def start_plugin(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        uid: int,
        gid: int,
    ) -> Job:
        """Start a job that runs until it is stopped, keeping the end of what it says. It dies with this host process.

        Args:
            argv: The program is looked up on PATH of env.
            env: The whole environment.
            cwd: Absolute.
            uid: Its only uid; all of the uid's processes end with it.
            gid: Its only group.
        """
        job = Job(
            f"plugin.{self._exchange.new_id()}", Newest(LAST_WORDS_BYTES), None, acknowledge_every_s=ACKNOWLEDGE_EVERY_S
        )
        request = pb.StartJob(
            job_id=job.job_id, argv=argv, env=env, cwd=cwd, uid=uid, gid=gid, merge_output=True, umask=0o007
        )
        request.output_hold_bytes = OUTPUT_HOLD_BYTES
        self._exchange.jobs[job.job_id] = job
        try:
            await self._exchange.command("start_job", request, ANSWER_S)
        except (CommandFailed, asyncio.CancelledError):
            self._exchange.jobs.pop(job.job_id, None)
            raise
        job.is_started = True
        return job

    async def call_plugin(
        self,
        socket: str,
        method: str,
        request: bytes,
        *,
        uid: int,
        gid: int,
        timeout_s: float,
        wait_for_ready: bool = False,
    ) -> PluginAnswer:
        """Carry one call to a plugin.

        Args:
            socket: Path in the sandbox; its last part is the plugin's.
            method: Of nightlab.api.plugin.v1.ActionPluginService.
            request: Serialized, at most 4 MiB.
            uid: The plugin's, whose socket it must be.
            gid: The plugin's.
            timeout_s: For the call inside; a sandbox that does not answer is lost 5 s later.
            wait_for_ready: Whether to wait for the socket to be bound.
        """
        message = pb.CallPlugin(
            socket=socket,
            owner_uid=uid,
            owner_gid=gid,
            method=method,
            request=request,
            timeout_ms=max(1, round(timeout_s * 1000)),
            wait_for_ready=wait_for_ready,
        )
        result = await self._exchange.command("call_plugin", message, timeout_s + CALL_MARGIN_S)
        if result.status > LAST_STATUS or len(result.response) > ANSWER_BYTES:
            error = LinkError("the sandbox sent a plugin's answer of no known status, or a too large one")
            self._exchange.fail(error)
            raise error
        return PluginAnswer(status=result.status, response=result.response, details=shown(result.details))
