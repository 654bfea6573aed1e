"""One process of the host for several plugins: nightlab's own share it, each behind a socket of its own.

Calls are made one at a time, so that a crash or a hang has one plugin to blame; for the others the process is started
anew with their next call, and nothing is counted against them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import grpc

from nightlab.controller.actions.channel import PluginChannel
from nightlab.controller.actions.runtime import CallFailed
from nightlab.controller.child import Child

START_S: Final = 20.0
_HARMLESS: Final = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})
_NO_ANSWER: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class SharedProcess:
    """The process, started with the first call and after each of its ends."""

    def __init__(
        self, targets: Mapping[str, str], python_path: Sequence[str] = (), *, start_s: float = START_S
    ) -> None:
        """Plan a process.

        Args:
            targets: "module:attribute" of the nightlab.sdk.Plugin by plugin name.
            python_path: Directories to import from, before nightlab's own.
            start_s: From its start to its first answer.
        """
        self._targets = dict(targets)
        self._python_path = tuple(python_path)
        self._start_s = start_s
        self._lock = asyncio.Lock()
        self._life: _Life | None = None
        self._users = 0

    @property
    def pid(self) -> int | None:
        """Process id of the child that lives."""
        return self._life.child.pid if self._life and self._life.child.alive else None

    def runtime(self, plugin: str) -> SharedRuntime:
        """Return one plugin's next life in the process."""
        return SharedRuntime(self, plugin)

    async def call(self, plugin: str, method: str, request: bytes, timeout_s: float) -> bytes:
        """Carry one call when those before it are done.

        Raises:
            BrokenCall: There is no answer, and the process was ended.
            CallFailed: The plugin refused, and lives.
        """
        async with self._lock:
            try:
                life = await self._living(plugin)
                return await life.call(plugin, method, request, timeout_s)
            except CallFailed as error:
                if error.code in _HARMLESS:
                    raise
                raise BrokenCall(error, await self._end(gently=False)) from error
            except asyncio.CancelledError:
                await self._end(gently=False)
                raise

    async def end(self, *, gently: bool) -> str:
        """End the process between two calls, and tell how it ended and what it said last."""
        async with self._lock:
            return await self._end(gently=gently)

    def join(self) -> None:
        """Count one more plugin that uses it."""
        self._users += 1

    def leave(self) -> bool:
        """Count one less, and tell whether it was the last."""
        self._users -= 1
        return self._users <= 0

    async def _living(self, plugin: str) -> _Life:
        if self._life is not None and self._life.child.alive:
            return self._life
        await self._end(gently=False)
        try:
            self._life = await _Life.begin(self._targets, self._python_path)
        except OSError as error:
            raise CallFailed(grpc.StatusCode.UNAVAILABLE, f"the process cannot be started: {error}") from error
        try:
            await self._life.call(plugin, "GetPluginInfo", b"", self._start_s)
        except CallFailed as error:
            if error.code in _NO_ANSWER:
                raise
        return self._life

    async def _end(self, *, gently: bool) -> str:
        life, self._life = self._life, None
        return await life.end(gently=gently) if life is not None else ""


class BrokenCall(CallFailed):
    """A call that cost the process its life.

    Attributes:
        how: How the process ended and what it said last.
    """

    def __init__(self, error: CallFailed, how: str) -> None:
        super().__init__(error.code, error.details)
        self.how = how


class SharedRuntime:
    """A `runtime.PluginRuntime` for one plugin in a shared process."""

    def __init__(self, process: SharedProcess, plugin: str) -> None:
        self._process = process
        self._plugin = plugin
        self._is_started = False
        self._how = ""

    @property
    def where(self) -> str:
        """Process id, for people."""
        return f"process {self._process.pid}" if self._process.pid else "no process"

    @property
    def alive(self) -> bool:
        """Whether it was started; the process behind it may be another one by now."""
        return self._is_started

    async def start(self) -> None:
        """Begin to use the process, which starts with the first call."""
        self._is_started = True
        self._process.join()

    async def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call; a process that has to be started first has its own time for that.

        Raises:
            CallFailed: There is no answer.
        """
        try:
            return await self._process.call(self._plugin, method, request, timeout_s)
        except BrokenCall as error:
            self._how = error.how
            raise

    async def wait(self) -> None:
        """Wait for ever: an end of the process belongs to the call that was under way."""
        await asyncio.get_running_loop().create_future()

    async def stop(self, *, gently: bool) -> str:
        """Stop using the process; a break, or the last one to leave, ends it."""
        if not self._is_started:
            return ""
        self._is_started = False
        is_last = self._process.leave()
        if self._how or (gently and not is_last):
            return self._how
        return await self._process.end(gently=gently)


class _Life:
    """One child from its start to its end, with a channel for each of its sockets."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str], child: Child) -> None:
        self._folder = folder
        self.child = child
        self._channels: dict[str, PluginChannel] = {}

    @classmethod
    async def begin(cls, targets: Mapping[str, str], python_path: Sequence[str]) -> Self:
        # Below the system's own directory: a socket's path holds 107 characters, a state directory may be deep.
        folder = tempfile.TemporaryDirectory(prefix="nightlab-plugin-", ignore_cleanup_errors=True)
        env = {"GRPC_ENABLE_FORK_SUPPORT": "0", "GRPC_VERBOSITY": "ERROR"}
        words = [folder.name, *(f"{name}={target}" for name, target in targets.items())]
        try:
            return cls(folder, await Child.start("nightlab.sdk.shared", words, env=env, python_path=python_path))
        except BaseException:
            folder.cleanup()
            raise

    async def call(self, plugin: str, method: str, request: bytes, timeout_s: float) -> bytes:
        channel = self._channels.get(plugin)
        if channel is None:
            channel = self._channels[plugin] = PluginChannel(str(Path(self._folder.name) / f"{plugin}.sock"))
        # a socket may be bound a moment after the first one answers, so every call waits for it
        call = channel.call(method, request, timeout_s=timeout_s, wait_for_ready=True)
        return await self._unless_it_ends(asyncio.ensure_future(call))

    async def _unless_it_ends(self, answer: asyncio.Future[bytes]) -> bytes:
        ended: asyncio.Future[None] = asyncio.ensure_future(self.child.wait())
        try:
            await asyncio.wait((ended, answer), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise CallFailed(grpc.StatusCode.UNAVAILABLE, "the process ended")
            return answer.result()
        finally:
            ended.cancel()
            answer.cancel()

    async def end(self, *, gently: bool) -> str:
        for channel in self._channels.values():
            await channel.close()
        try:
            return await self.child.stop(gently=gently)
        finally:
            self._folder.cleanup()
