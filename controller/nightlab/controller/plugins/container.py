"""A plugin in a container of its own, called over the same link as a trial is.

The toolbox's supervisor is the container's first process; it starts the plugin as an unprivileged user and carries the
calls to the plugin's socket. The host opens no path that the container owns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Final

import grpc

from nightlab.controller.actions.runtime import CallFailed
from nightlab.controller.child import last_words
from nightlab.controller.containers.start import Linked, Starter
from nightlab.controller.engine import ContainerSpec, Engine, Meter
from nightlab.controller.errors import CommandFailed, EngineError, ImageError, LinkError, NightlabError
from nightlab.controller.link.job import Job
from nightlab.controller.plugins.workload import SOCKET, Plan, Workload

STOP_GRACE_S: Final = 2.0
END_S: Final = 1.0
"""How long a supervisor may take to tell the end of a plugin that it was told to kill."""
_STATUS: Final = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Life:
    """A plugin that was started.

    Attributes:
        linked: Its container and the link.
        workload: What was started in it.
        job: Its process.
        meter: Of the container; what the supervisor had before is taken off. It is not started.
    """

    linked: Linked
    workload: Workload
    job: Job
    meter: Meter


class ContainerRuntime:
    """A `actions.runtime.PluginRuntime` in a container."""

    def __init__(
        self,
        engine: Engine,
        starter: Starter,
        name: str,
        spec: Callable[[], Awaitable[ContainerSpec]],
        plan: Plan,
    ) -> None:
        """Plan a container.

        Args:
            engine: That will have it.
            starter: Starts and connects it.
            name: Of the container; one of this name that an earlier life left is removed at the start.
            spec: Says what it is asked to be.
            plan: Puts in what the plugin needs.
        """
        self._engine = engine
        self._starter = starter
        self._name = name
        self._spec = spec
        self._plan = plan
        self._stack = AsyncExitStack()
        self._life: Life | None = None

    @property
    def where(self) -> str:
        """The container's name."""
        return f"container {self._name}"

    @property
    def alive(self) -> bool:
        """Whether the plugin was started and has not ended, its container neither."""
        return self._life is not None and not self._life.job.is_ended

    @property
    def life(self) -> Life | None:
        """What was started, for who looks closer than a caller does; None before the start and after the stop."""
        return self._life

    async def start(self) -> None:
        """Start the container and in it the plugin.

        Raises:
            OSError: The image, the package, the container or the program in it does not start.
            NightlabError: It is not the plugin's fault: the engine is gone, or does not honour the policy.
        """
        try:
            self._life = await self._started()
        except BaseException as error:
            await self._stack.aclose()
            if isinstance(error, LinkError | ImageError) or type(error) is EngineError:
                raise OSError(str(error)) from error
            raise

    async def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call.

        Raises:
            CallFailed: There is no answer.
        """
        assert self._life is not None, "start comes first"
        workload = self._life.workload
        try:
            async with asyncio.timeout(timeout_s):  # the supervisor ends it too, where it still can
                answer = await self._life.linked.sandbox.call_plugin(
                    SOCKET,
                    method,
                    request,
                    uid=workload.uid,
                    gid=workload.gid,
                    timeout_s=timeout_s,
                    wait_for_ready=wait_for_ready,
                )
        except TimeoutError as error:
            raise CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED, "no answer came out of its container") from error
        except LinkError as error:
            raise CallFailed(_code_of(error), str(error)) from error
        if answer.status:
            raise CallFailed(_STATUS[answer.status], answer.details)
        return answer.response

    async def wait(self) -> None:
        """Wait for its end."""
        assert self._life is not None, "start comes first"
        with suppress(NightlabError):  # lost with its container
            await self._life.job.exited()

    async def stop(self, *, gently: bool) -> str:
        """Remove the container and tell how the plugin ended and what it said last, for an error's text."""
        life, self._life = self._life, None
        try:
            return await self._told_end(life, gently=gently) if life is not None else ""
        finally:
            await self._stack.aclose()

    async def _started(self) -> Life:
        leftover = await self._engine.find(self._name)
        if leftover is not None:
            await self._engine.remove(leftover)
        linked = await self._starter.start(self._stack, await self._spec())
        meter = await self._engine.meter(linked.container)
        workload = await self._plan.workload(linked.sandbox)
        meter.mark_launch()
        job = await linked.sandbox.start_plugin(
            workload.argv, env=workload.env, cwd=workload.cwd, uid=workload.uid, gid=workload.gid
        )
        return Life(linked, workload, job, meter)

    async def _told_end(self, life: Life, *, gently: bool) -> str:
        grace_s = STOP_GRACE_S if gently else 0.0
        life.job.acknowledge_every_s = 0.0  # its end is told after all that it said: a flood is no longer slowed
        try:
            async with asyncio.timeout(grace_s + END_S):
                if not life.job.is_ended:
                    await life.linked.sandbox.stop_job(life.job.job_id, grace_s)
                ended = await life.job.exited()
        except (TimeoutError, NightlabError):
            return last_words("its container was removed", life.job.last_words)
        if ended.start_error:
            return f"it could not be started: {ended.start_error}"
        if life.meter.read().oom_kills:
            return last_words("the kernel killed it at its memory limit", life.job.last_words)
        return last_words(-(ended.signal or 0) or ended.code or 0, life.job.last_words)


def _code_of(error: LinkError) -> grpc.StatusCode:
    """A command that the supervisor refused is not a plugin that went away."""
    return grpc.StatusCode.FAILED_PRECONDITION if isinstance(error, CommandFailed) else grpc.StatusCode.UNAVAILABLE
