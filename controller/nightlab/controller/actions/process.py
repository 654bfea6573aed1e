"""The operating-system side of a worker: a fresh socket directory, the child, its last words, its end.

What is said over the socket belongs to `worker`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import nightlab

LOG_BYTES: Final = 16 * 1024
STOP_GRACE_S: Final = 2.0
_LAUNCH: Final = (
    "import os, sys; sys.path[:0] = sys.argv.pop(1).split(os.pathsep); from nightlab.sdk.worker import main; main()"
)


class WorkerProcess:
    """One child process. Made by `start`, ended by `stop` exactly once.

    Attributes:
        socket: Path that the child binds.
    """

    def __init__(self, child: asyncio.subprocess.Process, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._child = child
        self._folder = folder
        self._log = bytearray()
        self._reader = asyncio.create_task(self._read())
        self.socket = str(Path(folder.name) / "p.sock")

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
        try:
            child = await asyncio.create_subprocess_exec(
                *_command(target, python_path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(folder.name),
                cwd="/",
                start_new_session=True,
            )
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
        return self._child.returncode is None

    async def wait(self) -> None:
        """Wait for its end."""
        await self._child.wait()

    async def stop(self, *, gently: bool) -> str:
        """End it and tell how it ended and what it said last, for an error's text."""
        if gently and self.alive:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), STOP_GRACE_S)
        self._signal(signal.SIGKILL)
        await self._child.wait()
        await self._reader
        self._folder.cleanup()
        return _last_words(self._child.returncode or 0, bytes(self._log))

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return

    async def _read(self) -> None:
        assert self._child.stdout is not None
        while chunk := await self._child.stdout.read(4096):
            self._log += chunk
            del self._log[:-LOG_BYTES]


def _command(target: str, python_path: Sequence[str]) -> list[str]:
    roots = [str(Path(part).parent) for part in nightlab.__path__]
    path = os.pathsep.join([*python_path, *roots])
    return [sys.executable, "-I", "-B", "-c", _LAUNCH, path, target, str(os.getpid())]


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "GRPC_ENABLE_FORK_SUPPORT": "0",
        "GRPC_VERBOSITY": "ERROR",
        "NIGHTLAB_PLUGIN_SOCKET": str(Path(folder) / "p.sock"),
    }


def _last_words(returncode: int, log: bytes) -> str:
    lines = log.decode(errors="replace").strip().splitlines()
    said = f"; it said last: {' | '.join(line.strip() for line in lines[-3:])[-600:]}" if lines else ""
    if returncode == -signal.SIGKILL:
        return f"it was killed{said}"
    if returncode < 0:
        return f"it died of {signal.Signals(-returncode).name}{said}"
    return f"it ended with status {returncode}{said}"
