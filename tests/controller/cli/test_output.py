"""What commands answer: nothing that a run printed takes effect on a terminal, and a full disk is no traceback."""

import errno

import pytest
import typer

from nightlab.controller.cli.output import answering
from nightlab.controller.errors import StudyStopped

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e[/bold]\r"


def test_an_error_that_quotes_a_run_is_inert_and_keeps_its_lines(capsys):
    with pytest.raises(typer.Exit), answering():
        raise StudyStopped(f"prepare.command ended with exit code 1:\n{HOSTILE}", hint=HOSTILE)
    said = capsys.readouterr().err
    assert "\\x1b]52;c;aGk=\\x07" in said
    assert "[/bold]" in said
    assert said.count("\n") >= 2
    assert said.replace("\n", "").isprintable()


def test_a_full_disk_is_an_error_with_a_remedy_and_a_bug_is_a_bug(capsys):
    with pytest.raises(typer.Exit), answering():
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/blob")
    said = capsys.readouterr().err
    assert "/somewhere/blob" in said
    assert "--resume" in said
    with pytest.raises(OSError, match="boom"), answering():
        raise OSError(errno.EINVAL, "boom")
