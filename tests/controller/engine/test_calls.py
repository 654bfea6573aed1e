"""Blocking calls end within their deadline, and a cancelled caller knows that its call has ended."""

import asyncio
import threading
import time

import pytest

from nightlab.controller.engine.calls import Calls
from nightlab.controller.errors import EngineMissing


@pytest.fixture
def calls():
    calls = Calls()
    yield calls
    calls.close()


async def test_a_result_and_an_error_come_back(calls):
    assert await calls.run(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        await calls.run(5, lambda: 1 // 0)


async def test_a_call_that_hangs_is_named(calls):
    go_on = threading.Event()

    def create():
        go_on.wait()

    with pytest.raises(EngineMissing, match="did not finish create within 0 s"):
        await calls.run(0.05, create)
    go_on.set()


async def test_a_cancellation_that_meets_a_result_is_not_forgotten(calls):
    ended = threading.Event()
    caller = asyncio.create_task(calls.run(5, ended.set))
    await asyncio.sleep(0)
    ended.wait()
    time.sleep(0.05)  # noqa: ASYNC251 - the loop must not see the result before the cancellation
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_a_cancelled_caller_is_let_go_when_its_call_has_ended(calls):
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def create():
        began.set()
        go_on.wait()
        ended.set()

    caller = asyncio.create_task(calls.run(5, create))
    await asyncio.to_thread(began.wait)
    caller.cancel()
    done, _ = await asyncio.wait({caller}, timeout=0.05)
    assert not done
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()
