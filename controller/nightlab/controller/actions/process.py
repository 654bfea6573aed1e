"""A plugin in a process of the host: a fresh socket directory and the confined child that binds in it.

Only for what the host may run at all: nightlab's own plugins. A third party's runs in a container.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from nightlab.controller.actions.channel import PluginChannel
from nightlab.controller.child import Child


class ProcessRuntime:
    """A `runtime.PluginRuntime` in a child process."""

    def __init__(self, target: str, python_path: Sequence[str] = ()) -> None:
        """Plan a process.

        Args:
            target: "module:attribute" of the nightlab.sdk.Plugin that the child imports and serves.
            python_path: Directories to import from, before nightlab's own.
        """
        self._target = target
        self._python_path = tuple(python_path)
        self._child: Child | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._channel: PluginChannel | None = None

    @property
    def where(self) -> str:
        """Process id, for people."""
        return f"process {self._child.pid}" if self._child else "no process"

    @property
    def pid(self) -> int | None:
        """Process id of the child."""
        return self._child.pid if self._child else None

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.alive

    async def start(self) -> None:
        """Start the child.

        Raises:
            OSError: The process cannot be started.
        """
        # Below the system's own directory: a socket's path holds 107 characters, a state directory may be deep.
        self._folder = tempfile.TemporaryDirectory(prefix="nightlab-plugin-", ignore_cleanup_errors=True)
        socket = str(Path(self._folder.name) / "p.sock")
        env = {"GRPC_ENABLE_FORK_SUPPORT": "0", "GRPC_VERBOSITY": "ERROR", "NIGHTLAB_PLUGIN_SOCKET": socket}
        try:
            self._child = await Child.start(
                "nightlab.sdk.worker", [self._target], env=env, python_path=self._python_path
            )
        except BaseException:
            self._folder.cleanup()
            raise
        self._channel = PluginChannel(socket)

    async def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call.

        Raises:
            CallFailed: There is no answer.
        """
        assert self._channel is not None, "start comes first"
        return await self._channel.call(method, request, timeout_s=timeout_s, wait_for_ready=wait_for_ready)

    async def wait(self) -> None:
        """Wait for its end."""
        assert self._child is not None, "start comes first"
        await self._child.wait()

    async def stop(self, *, gently: bool) -> str:
        """End it and tell how it ended and what it said last, for an error's text."""
        if self._channel is not None:
            await self._channel.close()
        try:
            return await self._child.stop(gently=gently) if self._child is not None else ""
        finally:
            if self._folder is not None:
                self._folder.cleanup()
