"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_go_nowhere_for_long() -> Iterator[None]:
    """Undo what a command did to logging: it may have sent events to a stream that its test has closed since."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def the_file_mode_mask_stays() -> Iterator[None]:
    """Let no test change how files are made for those after it."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    left = os.umask(before)
    assert left == before, f"the test left the umask {left:03o}; it was {before:03o}"
