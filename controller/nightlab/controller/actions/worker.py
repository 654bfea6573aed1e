"""One plugin's worker: started when needed, called with deadlines, replaced when it breaks, at last left out.

Checking what a plugin answers belongs to `apply` and `host`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio
import structlog

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.api.plugin.v1 import plugin_pb2_grpc
from nightlab.controller.actions.process import WorkerProcess
from nightlab.controller.errors import PluginError

HOST_VERSION: Final = "0.1.0"
MESSAGE_BYTES: Final = 4 * 2**20
MAX_ACTIONS: Final = 1000
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 250),
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may take and how often it may break.

    Attributes:
        start_s: From start to the first answer.
        call_s: For each later call.
        breaks: This many within window_s close the plugin off.
        window_s: See breaks.
    """

    start_s: float = 20.0
    call_s: float = 10.0
    breaks: int = 3
    window_s: float = 3600.0


class PluginWorker:
    """A plugin behind a socket. Calls are made one at a time."""

    def __init__(
        self,
        plugin: str,
        target: str,
        *,
        python_path: Sequence[str] = (),
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plugin = plugin
        self._target = target
        self._python_path = tuple(python_path)
        self._patience = patience or Patience()
        self._clock = clock
        self._lock = asyncio.Lock()
        self._breaks: list[float] = []
        self._process: WorkerProcess | None = None
        self._channel: grpc.aio.Channel | None = None
        self._stub: Any = None

    @property
    def quarantined(self) -> bool:
        """Whether it broke so often that it is not started again for now."""
        now = self._clock()
        self._breaks = [at for at in self._breaks if now - at < self._patience.window_s]
        return len(self._breaks) >= self._patience.breaks

    @property
    def pid(self) -> int | None:
        """Process id of the running worker."""
        return self._process.pid if self._process else None

    async def list_actions(self) -> tuple[pb.Action, ...]:
        """List all of its actions.

        Raises:
            PluginError: It crashed, hung or answered nonsense.
        """
        actions: list[pb.Action] = []
        token = ""
        while True:
            request = pb.ListActionsRequest(page_token=token)
            page: pb.ListActionsResponse = await self._call("ListActions", request)
            actions.extend(page.actions)
            token = page.next_page_token
            if not token:
                return tuple(actions)
            if len(actions) > MAX_ACTIONS or not page.actions:
                raise await self._broken("its list of actions does not end")

    async def check(self, request: pb.CheckActionRequest) -> pb.CheckActionResponse:
        """Ask whether an action fits.

        Raises:
            PluginError: It crashed, hung or answered nonsense.
        """
        answer: pb.CheckActionResponse = await self._call("CheckAction", request)
        return answer

    async def apply(self, request: pb.ApplyActionRequest) -> pb.ApplyActionResponse:
        """Ask for edits.

        Raises:
            PluginError: It crashed, hung or answered nonsense.
        """
        answer: pb.ApplyActionResponse = await self._call("ApplyAction", request)
        return answer

    async def close(self) -> None:
        """End the worker."""
        async with self._lock:
            await self._end(gently=True)

    async def _call(self, method: str, request: Any) -> Any:
        async with self._lock:
            await self._ready()
            return await self._guard(getattr(self._stub, method)(request, timeout=self._patience.call_s))

    async def _ready(self) -> None:
        if self.quarantined:
            raise PluginError(
                f"plugin {self.plugin} broke {len(self._breaks)} times within {self._patience.window_s:.0f} s and is "
                "left out for now; its log lines above say how"
            )
        if self._process is not None and self._process.alive:
            return
        await self._end(gently=False)
        try:
            self._process = await WorkerProcess.start(self._target, self._python_path)
        except OSError as error:
            raise PluginError(f"plugin {self.plugin}: its worker cannot be started: {error}") from error
        self._channel = grpc.aio.insecure_channel(f"unix:{self._process.socket}", options=_OPTIONS)
        self._stub = plugin_pb2_grpc.ActionPluginServiceStub(self._channel)
        await self._greet()

    async def _greet(self) -> None:
        request = pb.GetPluginInfoRequest(host_version=HOST_VERSION)
        call = self._stub.GetPluginInfo(request, timeout=self._patience.start_s, wait_for_ready=True)
        info: pb.GetPluginInfoResponse = await self._guard(self._unless_it_ends(call))
        if info.name != self.plugin:
            raise await self._broken(f"it calls itself {info.name[:60]!r}")
        log.info("plugin.started", plugin=self.plugin, version=info.version[:60], worker_pid=self.pid)

    async def _unless_it_ends(self, call: Any) -> Any:
        assert self._process is not None
        ended = asyncio.ensure_future(self._process.wait())
        answer = asyncio.ensure_future(call)
        try:
            await asyncio.wait({ended, answer}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise await self._broken("it ended before it answered")
            return answer.result()
        finally:
            ended.cancel()
            call.cancel()
            answer.cancel()

    async def _guard(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise PluginError(f"plugin {self.plugin}: {error.details()}") from error
            raise await self._broken(_said(error)) from error
        except asyncio.CancelledError:
            await self._end(gently=False)
            raise

    async def _broken(self, what: str) -> PluginError:
        """Count a break and end the worker; the next call starts a new one."""
        self._breaks.append(self._clock())
        how = await self._end(gently=False)
        log.warning("plugin.broken", plugin=self.plugin, what=what, how=how, breaks=len(self._breaks))
        return PluginError(
            f"plugin {self.plugin} {what} ({how}); it starts anew with the next call, {self._patience.breaks} breaks "
            f"within {self._patience.window_s:.0f} s leave it out"
        )

    async def _end(self, *, gently: bool) -> str:
        channel, process = self._channel, self._process
        self._channel = self._process = self._stub = None
        if channel is not None:
            await channel.close()
        return await process.stop(gently=gently) if process is not None else ""


def _said(error: grpc.aio.AioRpcError) -> str:
    details = (error.details() or "")[:300]
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "did not answer in time"
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return "went away during a call"
    return f"broke a call with {error.code().name}: {details}"
