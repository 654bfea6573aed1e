"""Where log events go: a file of the state directory while a study runs, stderr for everything else.

A live table and log lines cannot share a terminal, and the morning wants the events in one place.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from nightlab.controller.store.state_dir import StateDir


def to_stderr(*, verbose: bool) -> None:
    """Send events to stderr: warnings and worse, or everything."""
    _configure(sys.stderr, logging.INFO if verbose else logging.WARNING, for_people=sys.stderr.isatty())


def to_file(state: StateDir) -> None:
    """Send events to the state directory's log, as JSON lines; the file stays open until the process ends."""
    state.create()
    file = state.log_file.open("a", encoding="utf-8", buffering=1)
    _configure(_Diary(file), logging.INFO, for_people=False)


class _Diary:
    """A log file of which a full disk may cost lines, never the study."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write a line, if there is room."""
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Bring it to the disk, if there is room."""
        with suppress(OSError):
            self._file.flush()


def _configure(out: TextIO | _Diary, level: int, *, for_people: bool) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", out)),
    )
