"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_go_nowhere_for_long() -> Iterator[None]:
    """Undo what a command did to logging: it may have sent events to a stream that its test has closed since."""
    yield
    structlog.reset_defaults()
