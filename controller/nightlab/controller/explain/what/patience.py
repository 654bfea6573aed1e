"""Time that one question may take, spent in parts: what runs out of its part is told in a simpler way.

By an alarm signal, so in the main thread of the worker only; native code is interrupted when it returns. The host has a
deadline of its own.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(Exception):
    """A part took longer than it may."""


class Patience:
    """A number of seconds from now."""

    def __init__(self, total_s: float) -> None:
        self._end = time.monotonic() + total_s

    @contextmanager
    def part(self, most_s: float) -> Iterator[None]:
        """Let a block run for some seconds, or for what is left.

        Raises:
            OutOfTime: They are over; raised into the block.
        """
        left_s = min(most_s, self._end - time.monotonic())
        if left_s <= 0:
            raise OutOfTime
        previous = signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, left_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


def _ring(number: int, frame: FrameType | None) -> None:
    raise OutOfTime
