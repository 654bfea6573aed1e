"""The end of a log is what a terminal would show of it."""

from __future__ import annotations

from pathlib import Path

from nightlab.controller.study.view import log_tail


def test_progress_bars_and_colours_are_shown_as_they_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"start\n\r\x1b[32m 0%\x1b[0m\r\x1b[32m100%\x1b[0m loss 0.5\nend\n")
    assert log_tail(log) == "start\n100% loss 0.5\nend\n"


def test_an_excerpt_within_one_endless_progress_bar_is_not_empty(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"\r%3d%% loss 0.%d" % (step, step) for step in range(100)))
    assert log_tail(log, size=64) == " 99% loss 0.99"


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "none") == ""
