"""How a run's end is named, from what the machine saw and only then from what it printed."""

from __future__ import annotations

from typing import Any

import pytest

from nightlab.controller.model.trial import Ending
from nightlab.controller.trial.ending import Tail, name_ending

PLAIN: dict[str, Any] = {
    "code": 0,
    "signal": None,
    "start_error": "",
    "timed_out": False,
    "stopped": False,
    "oom_kills": 0,
    "memory_bytes": 2**30,
    "timeout_s": 90.0,
}


def ending(lines: tuple[str, ...] = (), **facts: object) -> tuple[Ending, str]:
    tail = Tail()
    for line in lines:
        tail.add(line)
    return name_ending(**{**PLAIN, **facts}, tail=tail)


def test_exit_code_zero_is_finished() -> None:
    assert ending() == (Ending.FINISHED, "")


def test_a_killed_child_is_out_of_memory_even_if_its_parent_exits_with_zero() -> None:
    assert ending(oom_kills=1)[0] is Ending.OUT_OF_MEMORY
    assert "1.0 GiB" in ending(oom_kills=1)[1]


@pytest.mark.parametrize(
    "line",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "MemoryError",
        "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory",
    ],
)
def test_an_allocator_that_raises_is_out_of_memory(line: str) -> None:
    assert ending(("step 1", line), code=1) == (Ending.OUT_OF_MEMORY, line)


def test_a_word_about_memory_in_a_run_that_finished_means_nothing() -> None:
    assert ending(("MemoryError was handled",))[0] is Ending.FINISHED


def test_a_crash_names_its_exception() -> None:
    lines = ("Traceback (most recent call last):", '  File "t.py", line 3', "ValueError: bad shape", "cleaning up")
    assert ending(lines, code=1) == (Ending.FAILED, "exit code 1: ValueError: bad shape")
    assert ending((), code=None, signal=11) == (Ending.FAILED, "signal 11")


def test_limits_and_requests_come_before_exit_codes() -> None:
    assert ending(code=None, signal=9, timed_out=True)[0] is Ending.TIMED_OUT
    assert ending(code=None, signal=15, stopped=True)[0] is Ending.STOPPED
    assert ending(code=None, start_error="no such file: pyhton")[1].endswith("no such file: pyhton")
