"""A running study is told live on a terminal and in plain lines elsewhere, through one seam."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.controller.report import factory

from nightlab.controller.model.trial import Phase
from nightlab.controller.report.live import Board, LiveView, board_table, open_progress
from nightlab.controller.report.progress import LINE_EVERY_S, PlainProgress, ended_line


class Clock:
    """Seconds that move when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def terminal(out, width=150):
    return Console(file=out, force_terminal=True, width=width, height=40, color_system=None, _environ={"TERM": "xterm"})


def walk(progress, bad=""):
    """One study as the loop would tell it."""
    view = factory.good_night()
    progress.study_started(replace(view, trials=(), best=None))
    progress.update(replace(view, trials=()))
    progress.phase(3, 1, Phase.PLANNED, f"WARMUP 0.1 -> 0.02{bad}")
    progress.phase(3, 1, Phase.SPAWNING, "")
    progress.phase(3, 1, Phase.RUNNING, "")
    progress.line(3, f"step 10 | loss 2.41{bad}")
    progress.note(f"the engine came back{bad}")
    progress.trial_ended(replace(view.trial(3), reason=view.trial(3).reason + bad))
    progress.study_ended(view)
    progress.close()
    progress.close()


def make(kind, out):
    return PlainProgress(out, Clock()) if kind == "plain" else LiveView(terminal(out), Clock())


@pytest.mark.parametrize("kind", ["plain", "live"])
def test_both_tell_the_study_to_its_end(kind):
    out = io.StringIO()
    walk(make(kind, out))
    text = out.getvalue()
    assert "note: the engine came back" in text and "Trial 5 lowers val_bpb by 0.0476 bits/byte" in text


@pytest.mark.parametrize("kind", ["plain", "live"])
def test_hostile_text_sends_nothing_to_the_terminal(kind):
    clean, dirty = io.StringIO(), io.StringIO()
    walk(make(kind, clean))
    walk(make(kind, dirty), bad=factory.HOSTILE)
    for attack in ("\x1b[2J", "\x1b]8;", "\x1b]52", "\x9b", "\u202e", "\u200b", "\x07"):
        assert attack not in clean.getvalue() and attack not in dirty.getvalue()


def test_plain_progress_writes_one_line_per_event():
    out = io.StringIO()
    walk(PlainProgress(out, Clock()))
    lines = out.getvalue().splitlines()
    assert lines[:4] == [
        "study k3v9 of /home/ada/tinygpt: 12 trials or 12 h 00 min, 2 at a time",
        "trial 3 planned: WARMUP 0.1 -> 0.02",
        "trial 3 running",
        "trial 3 | step 10 | loss 2.41",
    ]
    assert lines[5].startswith(
        "trial 3 discard: val_bpb 2.2801 bits/byte (gain \N{MINUS SIGN}0.0087), 2.3 GiB, 6 min 55 s; worse"
    )
    assert len(lines) == 7


def test_training_lines_are_told_now_and_then():
    out, clock = io.StringIO(), Clock()
    progress = PlainProgress(out, clock)
    for second in range(31):
        clock.now = 1000.0 + second
        progress.line(1, f"step {second}")
    told = [line.rsplit(" ", 1)[1] for line in out.getvalue().splitlines()]
    assert told == ["0", str(int(LINE_EVERY_S)), str(int(2 * LINE_EVERY_S))]


def test_a_log_file_in_ascii_does_not_end_the_night():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    PlainProgress(out).note("0.1 \N{RIGHTWARDS ARROW} 0.2")
    assert raw.getvalue() == b"note: 0.1 \\u2192 0.2\n"


def test_the_right_progress_is_chosen():
    assert isinstance(open_progress(terminal(io.StringIO())), LiveView)
    assert isinstance(open_progress(Console(file=io.StringIO())), PlainProgress)
    assert isinstance(
        open_progress(Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})), PlainProgress
    )


def test_the_terminal_is_given_back_after_a_failure():
    out = io.StringIO()
    progress = LiveView(terminal(out), Clock())
    progress.study_started(factory.running())
    assert "\x1b[?25l" in out.getvalue() and "\x1b[?25h" not in out.getvalue()
    progress.close()
    assert "\x1b[?25h" in out.getvalue()


def drawn(board, now):
    out = io.StringIO()
    Console(file=out, width=150, color_system=None).print(board_table(board, now))
    return out.getvalue()


def test_the_board_shows_phase_time_and_last_line_of_what_runs():
    board = Board()
    assert "preparing" in drawn(board, 0.0)
    board.start(replace(factory.good_night(), trials=factory.good_night().trials[:5], best=None), 6000.0)
    board.phase(5, 1, Phase.PLANNED, "LR up", 6000.0)
    board.phase(5, 1, Phase.RUNNING, "", 6002.0)
    board.line(5, "step 40 | loss 2.3")
    board.line(99, "of nobody")
    text = drawn(board, 6065.0)
    assert "2/12 trials" in text and "3 baseline, 2 discard" in text
    assert "running" in text and "1 min 05 s" in text and "LR up" in text and "step 40 | loss 2.3" in text


def test_a_retry_starts_its_own_clock_and_keeps_what_it_tries():
    board = Board()
    board.start(replace(factory.good_night(), trials=(), best=None), 0.0)
    board.phase(5, 1, Phase.RUNNING, "LR up", 0.0)
    board.phase(5, 2, Phase.SPAWNING, "", 500.0)
    text = drawn(board, 510.0)
    assert "5 (attempt 2)" in text and "10.0 s" in text and "LR up" in text


def test_an_ended_trial_moves_to_the_recent_ones():
    board = Board()
    board.start(replace(factory.good_night(), trials=(), best=None), 0.0)
    board.phase(5, 1, Phase.RUNNING, "", 0.0)
    board.end(factory.good_night().trial(5))
    text = drawn(board, 1.0)
    assert board.running == {} and "trial 5 keep: val_bpb 2.2188" in text


def test_a_crash_is_told_with_its_reason():
    view = factory.good_night()
    assert ended_line(view, view.trial(6)).startswith("trial 6 crash: 1.1 GiB, 1 min 01 s; RuntimeError: mat1")


@pytest.mark.parametrize("kind", ["plain", "live"])
def test_a_diff_in_a_note_is_read_as_lines_that_pass_for_nothing_else(kind):
    out = io.StringIO()
    progress = make(kind, out)
    progress.note("plugin x has changed:\n-  old\n+  new\x1b[31m\ntrial 3 keep: forged")
    progress.close()
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert {"note: plugin x has changed:", "    -  old", r"    +  new\x1b[31m"} <= set(lines)
    assert not any(line.startswith("trial 3") for line in lines)
