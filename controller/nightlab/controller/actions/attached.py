"""A plugin that somebody runs already, such as one under a debugger: it is called, never started and never ended."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from nightlab.controller.actions.channel import PluginChannel


class AttachedRuntime:
    """A `runtime.PluginRuntime` over a socket that is there."""

    def __init__(self, socket: str) -> None:
        """Plan to call a plugin.

        Args:
            socket: Path of the Unix socket that it serves.
        """
        self._socket = socket
        self._channel: PluginChannel | None = None

    @property
    def where(self) -> str:
        """The socket, for people."""
        return f"attached at {self._socket}"

    @property
    def alive(self) -> bool:
        """Whether calls are made."""
        return self._channel is not None

    async def start(self) -> None:
        """Connect.

        Raises:
            OSError: There is no such socket.
        """
        mode = await asyncio.to_thread(lambda: Path(self._socket).stat().st_mode)
        if not stat.S_ISSOCK(mode):
            raise OSError(f"{self._socket!r} is not a socket")
        self._channel = PluginChannel(self._socket)

    async def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call.

        Raises:
            CallFailed: There is no answer.
        """
        assert self._channel is not None, "start comes first"
        return await self._channel.call(method, request, timeout_s=timeout_s, wait_for_ready=wait_for_ready)

    async def wait(self) -> None:
        """Wait for ever: the end of somebody else's process shows in its calls."""
        await asyncio.get_running_loop().create_future()

    async def stop(self, *, gently: bool) -> str:
        """Break off what is under way; the process is left as it is."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()
        return "it is attached and was left running"
