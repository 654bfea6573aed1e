"""Reads a job's output pipe into its spool, and leaves the pipe full while the spool is.

A full pipe blocks the writer, which is the only way to lose nothing in bounded memory. A writer of many small pieces is
read at a pace: a message for each would cost more than the training that writes them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from nightlab.sandbox.spool import Spool

READ_BYTES: Final = 256 * 1024
PIPE_BYTES: Final = 1024 * 1024
SMALL_BYTES: Final = 32 * 1024
PACE_S: Final = 0.005  # a pipe of 1 MiB takes 200 MB/s meanwhile
FIRST_BYTES: Final = 400
QUIET_AFTER_EXIT_S: Final = 2.0
_F_SETPIPE_SZ: Final = 1031


def open_pipe() -> tuple[int, int]:
    """Make a pipe as large as the kernel lets this user have: (read end, write end)."""
    import fcntl

    reader, writer = os.pipe2(os.O_CLOEXEC)
    with suppress(OSError):  # the user's pipe pages are used up: 64 KiB or less works as well, with more wake-ups
        fcntl.fcntl(reader, _F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(reader, False)
    return reader, writer


class OutputPipe:
    """One channel of a job.

    Attributes:
        spool: What was read and not acknowledged.
        is_open: False after the end of the stream.
        first: The first few hundred bytes, kept after they were acknowledged: why a start failed is told there.
    """

    def __init__(self, fd: int, hold_bytes: int, on_change: Callable[[], None]) -> None:
        self.spool = Spool()
        self.is_open = True
        self.first = b""
        self._fd = fd
        self._hold_bytes = hold_bytes
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._reading = False
        self._quiet: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._read_at = 0.0
        self._job_ended = False
        self._update()

    def acknowledge(self, offset: int) -> None:
        """Drop acknowledged bytes and go on reading if that made room."""
        self.spool.acknowledge(offset)
        self._update()

    def expect_end(self) -> None:
        """Say that the job is dead: a pipe that then stays empty without ending is held open by a stranger."""
        self._job_ended = True
        self._go_on()

    def close(self) -> None:
        """Stop reading; what the spool holds stays."""
        if not self.is_open:
            return
        self.is_open = False
        self._go_on()
        os.close(self._fd)
        self._on_change()

    def _update(self) -> None:
        wanted = self.is_open and self._pause is None and self.spool.held_bytes < self._hold_bytes
        if wanted != self._reading:
            self._reading = wanted
            if wanted:
                self._loop.add_reader(self._fd, self._readable)
            else:
                self._loop.remove_reader(self._fd)
        self._watch_quiet()

    def _watch_quiet(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        if self._job_ended and self._reading:
            self._quiet = self._loop.call_later(QUIET_AFTER_EXIT_S, self.close)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        self._keep_pace(len(data))
        self.spool.append(data)
        if len(self.first) < FIRST_BYTES:
            self.first += data[: FIRST_BYTES - len(self.first)]
        self._update()
        self._on_change()

    def _keep_pace(self, read_bytes: int) -> None:
        """Rest after a second small read in a row; the first after a silence is passed on at once."""
        now = self._loop.time()
        if read_bytes < SMALL_BYTES and now - self._read_at < PACE_S and not self._job_ended:
            self._pause = self._loop.call_later(PACE_S, self._go_on)
        self._read_at = now

    def _go_on(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._update()
