"""The operating-system side of a plugin's worker: a fresh socket directory and the child that binds in it.

What is said over the socket belongs to `worker`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from nightlab.controller.child import Child


class WorkerProcess:
    """One child process. Made by `start`, ended by `stop` exactly once.

    Attributes:
        socket: Path that the child binds.
    """

    def __init__(self, child: Child, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._child = child
        self._folder = folder
        self.socket = _socket(folder)

    @classmethod
    async def start(cls, target: str, python_path: Sequence[str] = ()) -> WorkerProcess:
        """Start a worker for "module:attribute".

        Args:
            target: What the child imports and serves.
            python_path: Directories to import from, before nightlab's own.

        Raises:
            OSError: The process cannot be started.
        """
        # Below the system's own directory: a socket's path holds 107 characters, a state directory may be deep.
        folder = tempfile.TemporaryDirectory(prefix="nightlab-plugin-", ignore_cleanup_errors=True)
        env = {
            "GRPC_ENABLE_FORK_SUPPORT": "0",
            "GRPC_VERBOSITY": "ERROR",
            "NIGHTLAB_PLUGIN_SOCKET": _socket(folder),
        }
        try:
            child = await Child.start("nightlab.sdk.worker", [target], env=env, python_path=python_path)
        except BaseException:
            folder.cleanup()
            raise
        return cls(child, folder)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._child.alive

    async def wait(self) -> None:
        """Wait for its end."""
        await self._child.wait()

    async def stop(self, *, gently: bool) -> str:
        """End it and tell how it ended and what it said last, for an error's text."""
        try:
            return await self._child.stop(gently=gently)
        finally:
            self._folder.cleanup()


def _socket(folder: tempfile.TemporaryDirectory[str]) -> str:
    return str(Path(folder.name) / "p.sock")
