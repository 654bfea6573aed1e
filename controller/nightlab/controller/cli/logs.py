"""Where log events go: stderr, as text for a person and as JSON lines for a collector."""

from __future__ import annotations

import logging
import sys

import structlog


def to_stderr(*, verbose: bool) -> None:
    """Send events to stderr: warnings and worse, or everything."""
    level = logging.INFO if verbose else logging.WARNING
    tty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer() if tty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
