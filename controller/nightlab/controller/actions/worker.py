"""One plugin's worker: started when needed, called with deadlines, replaced when it breaks, at last left out.

Checking what a plugin answers belongs to `apply` and `host`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import grpc
import structlog
from google.protobuf.message import DecodeError, Message

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.runtime import CallFailed, PluginRuntime
from nightlab.controller.errors import NightlabError, PluginError

HOST_VERSION: Final = "0.1.0"
MAX_ACTIONS: Final = 1000
_REFUSALS: Final = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})
Answer = TypeVar("Answer", bound=Message)
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
    """A plugin and the lives it has had. Calls are made one at a time."""

    def __init__(
        self,
        plugin: str,
        make_runtime: Callable[[], PluginRuntime],
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Plan a plugin; nothing is started yet.

        Args:
            plugin: The name that it must answer with.
            make_runtime: Makes its next life.
            patience: With it.
            clock: Of its breaks, in seconds.
        """
        self.plugin = plugin
        self._make_runtime = make_runtime
        self._patience = patience or Patience()
        self._clock = clock
        self._lock = asyncio.Lock()
        self._breaks: list[float] = []
        self._quarantined = False
        self._runtime: PluginRuntime | None = None
        self._info = pb.GetPluginInfoResponse()

    @property
    def patience(self) -> Patience:
        """How long it may take."""
        return self._patience

    @property
    def quarantined(self) -> bool:
        """Whether it broke so often that it is not started again in this night."""
        return self._quarantined

    @property
    def breaks(self) -> int:
        """How often it broke within the window before its last break."""
        return len(self._breaks)

    @property
    def version(self) -> str:
        """What it says of itself, cut; empty before it answered. Untrusted."""
        return self._info.version[:60]

    def has(self, feature: int) -> bool:
        """Tell whether it announced a `pb.Feature`; False before it answered."""
        return feature in self._info.features

    @property
    def runtime(self) -> PluginRuntime | None:
        """Where it runs now."""
        return self._runtime

    async def list_actions(self) -> tuple[pb.Action, ...]:
        """List all of its actions.

        Raises:
            PluginError: It crashed, hung or answered nonsense.
        """
        actions: list[pb.Action] = []
        token = ""
        while True:
            request = pb.ListActionsRequest(page_token=token)
            page = await self._call("ListActions", request, pb.ListActionsResponse)
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
        return await self._call("CheckAction", request, pb.CheckActionResponse)

    async def apply(self, request: pb.ApplyActionRequest) -> pb.ApplyActionResponse:
        """Ask for edits.

        Raises:
            PluginError: It crashed, hung or answered nonsense.
        """
        return await self._call("ApplyAction", request, pb.ApplyActionResponse)

    async def observe(self, request: pb.ObserveOutcomesRequest) -> pb.ObserveOutcomesResponse:
        """Let it fold outcomes into its state.

        Raises:
            PluginError: It crashed, hung or answered nonsense.
        """
        return await self._call("ObserveOutcomes", request, pb.ObserveOutcomesResponse)

    async def refuse(self, what: str) -> None:
        """Count an answer that broke the contract as a break.

        Args:
            what: Of the answer, for the log.
        """
        async with self._lock:
            await self._broken(f"broke its contract: {what}")

    async def close(self) -> None:
        """End the worker."""
        async with self._lock:
            await self._end(gently=True)

    async def _call(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        async with self._lock:
            runtime = await self._ready()
            call = runtime.call(method, request.SerializeToString(), timeout_s=self._patience.call_s)
            return await self._answered(call, answer)

    async def _ready(self) -> PluginRuntime:
        if self.quarantined:
            raise PluginError(
                f"plugin {self.plugin} broke {len(self._breaks)} times within {self._patience.window_s:.0f} s and is "
                "left out for the night; its log lines above say how"
            )
        if self._runtime is not None and self._runtime.alive:
            return self._runtime
        await self._end(gently=False)
        self._runtime = self._make_runtime()
        try:
            await self._runtime.start()
        except (OSError, NightlabError) as error:
            raise await self._broken(f"cannot be started: {error}") from error
        await self._greet(self._runtime)
        return self._runtime

    async def _greet(self, runtime: PluginRuntime) -> None:
        request = pb.GetPluginInfoRequest(host_version=HOST_VERSION).SerializeToString()
        call = runtime.call("GetPluginInfo", request, timeout_s=self._patience.start_s, wait_for_ready=True)
        info = await self._answered(self._unless_it_ends(runtime, call), pb.GetPluginInfoResponse)
        if info.name != self.plugin:
            raise await self._broken(f"calls itself {info.name[:60]!r}")
        self._info = info
        log.info("plugin.started", plugin=self.plugin, version=info.version[:60], where=runtime.where)

    async def _unless_it_ends(self, runtime: PluginRuntime, call: Awaitable[bytes]) -> bytes:
        ended = asyncio.ensure_future(runtime.wait())
        answer = asyncio.ensure_future(call)
        try:
            await asyncio.wait({ended, answer}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            ended.cancel()
            answer.cancel()
        raise await self._broken("ended before it answered")

    async def _answered(self, call: Awaitable[bytes], kind: type[Answer]) -> Answer:
        try:
            return kind.FromString(await call)
        except CallFailed as error:
            if error.code in _REFUSALS:
                raise PluginError(f"plugin {self.plugin}: {error.details[:300]}") from error
            raise await self._broken(_said(error)) from error
        except DecodeError as error:
            raise await self._broken(f"answered with what is no {kind.DESCRIPTOR.name}") from error
        except asyncio.CancelledError:
            await self._end(gently=False)
            raise

    async def _broken(self, what: str) -> PluginError:
        """Count a break and end the worker; the next call starts a new one."""
        now = self._clock()
        self._breaks = [at for at in self._breaks if now - at < self._patience.window_s] + [now]
        self._quarantined = self._quarantined or len(self._breaks) >= self._patience.breaks
        how = await self._end(gently=False)
        log.warning("plugin.broken", plugin=self.plugin, what=what, how=how, breaks=len(self._breaks))
        if self._quarantined:
            log.error("plugin.quarantined", plugin=self.plugin, breaks=len(self._breaks))
        return PluginError(
            f"plugin {self.plugin} {what} ({how or 'nothing of it is left'}); it starts anew with the next call, "
            f"{self._patience.breaks} breaks within {self._patience.window_s:.0f} s leave it out"
        )

    async def _end(self, *, gently: bool) -> str:
        runtime, self._runtime = self._runtime, None
        return await runtime.stop(gently=gently) if runtime is not None else ""


def _said(error: CallFailed) -> str:
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "did not answer in time"
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return "went away during a call"
    return f"broke a call with {error.code.name}: {error.details[:300]}"
