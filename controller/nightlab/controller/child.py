"""A child process that looks at code of the repo: how it finds nightlab, its bare environment, its last words, its end.

What it gives up before it looks is `nightlab.api.confine`; what is said to it belongs to `actions` and `explain`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import nightlab

LOG_BYTES: Final = 16 * 1024
STOP_GRACE_S: Final = 2.0
_LAUNCH: Final = "import os, sys; sys.path[:0] = sys.argv.pop(1).split(os.pathsep); from {} import main; main()"


class Child:
    """One process in a session of its own, with what it writes to its standard error kept in part."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._log = bytearray()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls,
        module: str,
        arguments: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        python_path: Sequence[str] = (),
        piped: bool = False,
    ) -> Self:
        """Start `module.main()`; its arguments are those given and this process's id.

        Args:
            module: Of nightlab, or on python_path.
            arguments: sys.argv from 1.
            env: Added to a bare environment.
            python_path: Directories to import from, before nightlab's own.
            piped: Whether standard input and output are pipes for the caller; else there is no input and the output
                is log.

        Raises:
            OSError: The process cannot be started.
        """
        roots = [str(Path(part).parent) for part in nightlab.__path__]
        command = ["-c", _LAUNCH.format(module), os.pathsep.join([*python_path, *roots]), *arguments, str(os.getpid())]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-B", *command),
            stdin=PIPE if piped else DEVNULL,
            stdout=PIPE,
            stderr=PIPE if piped else asyncio.subprocess.STDOUT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", **(env or {})},
            cwd="/",
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def input(self) -> asyncio.StreamWriter:
        """Its standard input, where it is piped."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def output(self) -> asyncio.StreamReader:
        """Its standard output, where it is piped."""
        assert self._process.stdout is not None
        return self._process.stdout

    async def wait(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    async def stop(self, *, gently: bool) -> str:
        """End it with all that it started, and tell how it ended and what it said last, for an error's text."""
        if gently and self.alive:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_GRACE_S)
        self._signal(signal.SIGKILL)
        await self._process.wait()
        await self._reader
        return last_words(self._process.returncode or 0, bytes(self._log))

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def _read(self) -> None:
        stream = self._process.stderr or self._process.stdout
        assert stream is not None
        while chunk := await stream.read(4096):
            self._log += chunk
            del self._log[:-LOG_BYTES]


def last_words(end: int | str, log: bytes) -> str:
    """Tell how a process ended and what it said last, in one line.

    Args:
        end: Its status, the number of the signal that ended it negated; or how it ended, in words.
        log: The end of its output, untrusted.
    """
    lines = log.decode(errors="replace").strip().splitlines()
    said = f"; it said last: {' | '.join(line.strip() for line in lines[-3:])[-600:]}" if lines else ""
    return f"{end if isinstance(end, str) else _told(end)}{said}"


def _told(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "it was killed"
    if returncode < 0:
        names = {each.value: each.name for each in signal.Signals}
        return f"it died of {names.get(-returncode, f'signal {-returncode}')}"
    return f"it ended with status {returncode}"
