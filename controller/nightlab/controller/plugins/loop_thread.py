"""An event loop on a thread of its own, for code that waits for each result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs work while the context lasts; several threads may wait at once."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any] | None] = set()

    def __enter__(self) -> Self:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="containers", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it; what is under way is lost, so `settle` comes first."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work; it goes on where the wait is interrupted."""
        return asyncio.run_coroutine_threadsafe(self._noted(work), self._loop).result()

    def settle(self) -> None:
        """Break off what is under way and wait until it has cleaned up."""
        self.run(self._broken_off())

    async def _noted(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            return await work
        finally:
            self._tasks.discard(task)

    async def _broken_off(self) -> None:
        others = [task for task in self._tasks if task is not None and task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
