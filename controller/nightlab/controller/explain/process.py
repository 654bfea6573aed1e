"""The explaining worker as the host sees it: one child with a private directory, one call at a time, with deadlines.

What it is asked and what is believed of its answers belongs to `explainer` and `answers`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from typing import Any, Final, Self

import structlog

from nightlab.api.confine import WORKER_ID, can_change_user
from nightlab.controller.child import Child
from nightlab.controller.errors import ExplainFailed
from nightlab.controller.explain.wire import HEAD_BYTES, length, pack, unpack

START_S: Final = 20.0
log = structlog.get_logger(__name__)


class Worker:
    """A worker that starts with the first call and is replaced when it breaks."""

    def __init__(self, *, start_s: float = START_S) -> None:
        """Start nothing yet.

        Args:
            start_s: Added to the limit of the first call of each process.
        """
        self.start_s = start_s
        self._lock = asyncio.Lock()
        self._process: _Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id; None while there is none."""
        return self._process.pid if self._process else None

    async def call(self, operation: str, arguments: Mapping[str, Any], limit_s: float) -> Any:
        """Ask for an operation.

        Args:
            operation: One of `operations`.
            arguments: JSON values and bytes.
            limit_s: When it counts as hung; a start before it is not counted.

        Raises:
            ExplainFailed: It cannot do it, crashed, hung or answered nonsense.
        """
        async with self._lock:
            process = await self._ready()
            try:
                told = await process.call(operation, arguments, limit_s + process.first_call_s)
            except (OSError, EOFError, ValueError) as error:
                raise await self._broken(operation, error, limit_s) from error
            except BaseException:
                await self._end()
                raise
        return _result(told)

    async def close(self) -> None:
        """End it."""
        async with self._lock:
            await self._end()

    async def _ready(self) -> _Process:
        if self._process is None or not self._process.alive:
            await self._end()
            try:
                self._process = await _Process.start()
                self._process.first_call_s = self.start_s
            except OSError as error:
                raise ExplainFailed(f"the explaining worker cannot be started: {error}") from error
        return self._process

    async def _broken(self, operation: str, error: Exception, limit_s: float) -> ExplainFailed:
        how = await self._end()
        what = f"did not answer within {limit_s:.0f} s" if isinstance(error, TimeoutError) else "broke off"
        log.warning("explain.broken", operation=operation, what=what, how=how)
        return ExplainFailed(f"the explaining worker {what} ({how}); it starts anew with the next question")

    async def _end(self) -> str:
        process, self._process = self._process, None
        return await process.stop() if process is not None else ""


class _Process:
    def __init__(self, child: Child, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._child = child
        self._folder = folder
        self.pid = child.pid
        self.first_call_s = 0.0

    @classmethod
    async def start(cls) -> Self:
        folder = tempfile.TemporaryDirectory(prefix="nightlab-explain-", ignore_cleanup_errors=True)
        try:
            if can_change_user():
                os.chown(folder.name, WORKER_ID, WORKER_ID)
            # Tools look for settings and caches of a user; this one has none.
            homes = dict.fromkeys(("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), folder.name)
            child = await Child.start("nightlab.controller.explain.worker", [folder.name], env=homes, piped=True)
        except BaseException:
            folder.cleanup()
            raise
        return cls(child, folder)

    @property
    def alive(self) -> bool:
        return self._child.alive

    async def call(self, operation: str, arguments: Mapping[str, Any], limit_s: float) -> Any:
        frame = pack([operation, dict(arguments)])
        self.first_call_s = 0.0
        async with asyncio.timeout(limit_s):
            sending = asyncio.create_task(self._send(frame))
            try:
                size = length(await self._child.output.readexactly(HEAD_BYTES))
                told = unpack(await self._child.output.readexactly(size))
                await sending
            finally:
                sending.cancel()
        return told

    async def _send(self, frame: bytes) -> None:
        self._child.input.write(frame)
        await self._child.input.drain()

    async def stop(self) -> str:
        try:
            return await self._child.stop(gently=False)
        finally:
            self._folder.cleanup()


def _result(told: Any) -> Any:
    if isinstance(told, dict) and "result" in told:
        return told["result"]
    error = told.get("error") if isinstance(told, dict) else None
    raise ExplainFailed(f"the explaining worker could not do it: {str(error)[:400]}")
