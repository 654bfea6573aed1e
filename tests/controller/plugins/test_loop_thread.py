"""Work on the loop's thread: waited for, failed as it fails, and given time to clean up when it is broken off."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightlab.controller.plugins.loop_thread import LoopThread


async def doubled(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_results_come_back_from_another_thread() -> None:
    async def where() -> str:
        return threading.current_thread().name

    with LoopThread() as loop:
        assert loop.run(where()) != threading.current_thread().name
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda n: loop.run(doubled(n)), range(8))) == [0, 2, 4, 6, 8, 10, 12, 14]


def test_an_error_comes_back_as_it_was_raised() -> None:
    async def fails() -> None:
        raise LookupError("not there")

    with LoopThread() as loop, pytest.raises(LookupError, match="not there"):
        loop.run(fails())


def test_what_is_under_way_cleans_up_before_the_end() -> None:
    started, ended = threading.Event(), []

    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(await doubled(21))

    with LoopThread() as loop, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, endless())
        started.wait()
        loop.settle()
        assert ended == [42]
        assert waiting.exception() is not None
