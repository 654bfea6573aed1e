"""What two runs of one tree differ in is noise; what another tree's run shows beyond it is a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.model.trial import Ending
from nightlab.controller.proof.observation import Observation
from nightlab.controller.proof.oracle import Comparison, Floor

NAN = math.nan


def run(*lines: str, ending: Ending = Ending.FINISHED, code: int | None = 0, **more: Any) -> Observation:
    return Observation(ending, code, lines, **more)


def losses(*values: float, **more: Any) -> Observation:
    return run(values={"loss": values}, **more)


def cut(*lines: str, **more: Any) -> Observation:
    return run(*lines, code=None, **more)


def compare(one: Observation, two: Observation, other: Observation) -> Comparison:
    return Floor(one, two).compare(other)


NOISE = {
    "times": (["step 1 loss 0.5 (0.12 s)"], ["step 1 loss 0.5 (0.35 s)"], ["step 1 loss 0.5 (9.1 s)"]),
    "addresses": (["<A at 0x7f83d9>"], ["<A at 0x7e1204>"], ["<A at 0x55aa01>"]),
    "dates": (["2026-11-23 20:07:02,113 start"], ["2026-11-23 20:07:09,994 start"], ["2026-11-24 00:00:00,000 start"]),
    "hours": (["[20:59:58] x 1"], ["[20:59:59] x 1"], ["[21:00:01] x 1"]),
    "ISO dates": (["at 2026-11-23T20:59:58Z"], ["at 2026-11-23T20:59:59Z"], ["at 2026-11-24T01:00:01Z"]),
    "temporary names": (["saved to /tmp/tmpab1x_/m.pt"], ["saved to /tmp/tmp9zk_0/m.pt"], ["saved to /tmp/tmpq/m.pt"]),
    "a progress bar's end": (["100% 30/30 [00:01<00:00, 29.1it/s]"], ["100% 30/30 [00:02<00:00, 14it/s]"],) * 1
    + (["100% 30/30 [00:01<00:00, 30.5it/s]"],),
    "order": (["worker a ready", "worker b ready", "x 1"], ["worker b ready", "worker a ready", "x 1"],) * 1
    + (["worker b ready", "worker a ready", "x 1"],),
    "how often": (["alive", "x 1", "alive", "y 2"], ["alive", "x 1", "y 2"], ["x 1", "alive", "alive", "alive", "y 2"]),
    "places in the source": (
        *(["t.py:3: UserWarning: odd", "  f(1)", "x"],) * 2,
        ["t.py:9: UserWarning: odd", "  f(2)", "x"],
    ),
    "words on the source": (*(["x 1"],) * 2, ["t.py:9: SyntaxWarning: 'is' with a literal", "  a is 1", "x 1"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NOISE)
def test_what_varies_by_itself_is_no_difference(name: str) -> None:
    one, two, other = NOISE[name]
    stable = [f"line {number} of many" for number in range(4)]
    found = compare(run(*one, *stable), run(*two, *stable), run(*other, *stable))
    assert found.differs is False, found
    assert "no difference seen in" in found.evidence
    assert "equivalent" not in found.evidence


DIFFERENCES = {
    "a number beside noise": ("loss 0.5 (0.12 s)", "loss 0.5 (0.3 s)", "loss 0.3 (0.2 s)"),
    "NaN in noise": ("took 0.12 s", "took 0.3 s", "took nan s"),
    "a word": ("saved m.pt", "saved m.pt", "saved n.pt"),
    "space": ("'a b'", "'a b'", "'a  b'"),
    "a word beside a varying name": ("saved /tmp/tmpa1/m.pt", "saved /tmp/tmpb/m.pt", "lost /tmp/tmpc/m.pt"),
    "a number in a text of its own": ("f(3)", "f(3)", "f(4)"),
    "a date that does not vary": ("2026-11-23 20:07:02", "2026-11-23 20:07:02", "2026-11-23 20:07:03"),
    "a number after a time": ("20:07:02 0.5", "20:07:03 0.5", "20:08:00 0.3"),
    "a number before a time": ("0.5 20:07:02", "0.5 20:07:03", "0.3 20:08:00"),
    "a sign": ("x -1", "x -1", "x 1"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_lies_beyond_the_noise_is_a_difference(name: str) -> None:
    one, two, other = DIFFERENCES[name]
    found = compare(run("begin", one, "end"), run("begin", two, "end"), run("begin", other, "end"))
    assert found.differs is True
    assert other in found.evidence, found.evidence


def test_missing_and_further_lines_are_differences() -> None:
    assert compare(run("a", "b"), run("a", "b"), run("a")).evidence == "1 lines are missing, first `b`"
    assert compare(run("a"), run("a"), run("a", "b")).evidence == "1 more lines, first `b`"
    lines = ("w 1", "w 2"), ("w 2", "w 1"), ("w 2", "w 2")
    assert "printed 1 times -> " in compare(*(run(*one) for one in lines)).evidence


def test_an_order_that_varies_does_not_hide_another_line() -> None:
    lines = ("a done", "b done", "x 1"), ("b done", "a done", "x 1"), ("b done", "c done", "x 1")
    assert compare(*(run(*one) for one in lines)).differs is True


@pytest.mark.parametrize(
    ("one", "two", "other", "differs"),
    [
        ((3.25, 3.0), (3.25, 3.0), (3.25, 3.0), False),
        ((3.25, 3.0), (3.25, 3.0), (3.25, 3.0000001), True),
        ((3.25, 3.0), (3.25, 3.0), (3.25, NAN), True),
        ((3.25, NAN), (3.25, NAN), (3.25, NAN), False),
        ((3.25, NAN), (3.25, NAN), (3.25, 3.0), True),
        ((3.25, 3.0), (3.25, 3.0), (3.25,), True),
        ((3.25, 3.0), (3.25, 3.0), (), True),
        ((), (), (3.0,), True),
        ((3.25, 3.0), (3.26, 3.1), (3.2, 3.4), None),  # within the noise, where a small difference would be lost
        ((3.25, 3.0), (3.26, 3.1), (3.2, 9.4), True),
        ((3.25, 3.0), (3.26, 3.1), (3.2, NAN), True),
        ((3.25, 3.0), (3.26, NAN), (3.2, NAN), None),
    ],
)
def test_measured_values_are_held_against_their_spread(one, two, other, differs) -> None:
    lines: Sequence[str] = ("some line",)
    found = compare(losses(*one), losses(*two), losses(*other))
    assert found.differs is differs or (differs is False and found.differs is None and not one), found
    assert lines


def test_a_value_is_told_with_its_place() -> None:
    found = compare(losses(3.31, 2.0), losses(3.31, 2.0), losses(3.31, NAN))
    assert found.evidence == "loss 2.0 -> nan at value 2 of 2"


ERROR = {"ending": Ending.FAILED, "code": 1, "reason": "exit code 1: TypeError: no"}
OOM = {"ending": Ending.OUT_OF_MEMORY, "code": None, "reason": "the kernel killed it"}


@pytest.mark.parametrize(
    ("one", "two", "other", "differs", "words"),
    [
        (run("a"), run("a"), run("a", **ERROR), True, "exit code 0 -> exit code 1: TypeError: no"),
        (run("a"), run("a"), run("a", code=3), True, "exit code 0 -> exit code 3"),
        (run("a"), run("a"), run("a", **OOM), True, "the kernel killed it"),
        (run("a", **ERROR), run("a", **ERROR), run("a", **ERROR), None, "the same way before the change"),
        (run("a", **ERROR), run("a", **ERROR), run("a"), True, "-> exit code 0"),
        (run("a"), run("a", **ERROR), run("a"), None, "end differently"),
        (run("a"), run("a"), run("a", ending=Ending.STOPPED, code=None), None, "stopped"),
        (run("a", ending=Ending.LOST, code=None), run("a"), run("a"), None, "lost"),
        (run(), run(), run(), None, "prints nothing"),
        (run("a", run_s=1), run("a", run_s=2), cut("a", run_s=60), True, "time limit"),
        (run("a", run_s=30), run("a", run_s=50), cut("a", run_s=60), None, "time limit"),
        (cut("a", "b"), cut("a", "b", "c"), run("a", "b", "c", "d"), False, "no difference seen in 2 lines of 3 runs"),
        (cut("a", "b"), cut("a", "b", "c"), run("a"), True, "missing"),
        (cut("a", "b"), cut("a", "b", "c"), run("a", "b", **ERROR), True, "TypeError"),
        (cut("a", "b"), cut("a", "b", "c"), cut("a"), False, "no difference seen in 1 lines"),
        (cut("a", "b"), cut("a", "b", "c"), cut("a", "x"), True, "`b` -> `x`"),
        (cut("a", "b"), cut("a", "b"), cut("a", "b", ending=Ending.TIMED_OUT), False, "no difference seen"),
    ],
)  # fmt: skip
def test_how_a_run_ends_counts_first(one, two, other, differs, words) -> None:
    found = compare(one, two, other)
    assert found.differs is differs, found
    assert words in found.evidence


def test_a_program_that_prints_other_words_each_time_tells_nothing() -> None:
    one, two, other = (run(*(f"{seed}{number}" for number in range(9)), "the end") for seed in ("qx", "zk", "wp"))
    assert compare(one, two, other).differs is None


def test_a_third_run_widens_the_noise() -> None:
    floor = Floor(run("a 1 b 5", "c"), run("a 2 b 5", "c"))
    assert floor.compare(run("a 3 b 6", "c")).differs is True
    floor.widen(run("a 3 b 7", "c"))
    assert floor.compare(run("a 3 b 6", "c")).differs is False
    assert floor.runs == 3


def test_a_silent_floor_is_one_of_equal_runs() -> None:
    assert Floor(run("a 1", values={"x": (1.0,)}), run("a 1", values={"x": (1.0,)})).is_silent
    assert not Floor(run("a 1"), run("a 2")).is_silent
    assert not Floor(losses(1.0), losses(1.5)).is_silent


def test_a_measured_file_is_compared_like_output() -> None:
    one = run("x", files={"m.csv": ("step,loss", "1,0.5")})
    other = run("x", files={"m.csv": ("step,loss", "1,nan")})
    assert compare(one, one, other).evidence == "m.csv, line 2: `1,0.5` -> `1,nan`"


def test_what_a_run_prints_is_shown_harmlessly() -> None:
    evidence = compare(run("a\x1b[31m"), run("a\x1b[31m"), run("b\u202e")).evidence
    assert evidence.isprintable()


LINE = st.lists(st.sampled_from(["step", "loss", "=", "0.5", "17", "nan", "-3e-4", "(", "0x7f", "v1.2"]), max_size=6)
OUTPUT = st.lists(LINE.map(" ".join).filter(str.strip), min_size=1, max_size=30)


@given(OUTPUT, st.data())
def test_of_a_program_that_does_not_vary_every_change_is_seen(lines, data) -> None:
    floor = Floor(run(*lines), run(*lines))
    assert floor.is_silent
    assert floor.compare(run(*lines)).differs is False
    place = data.draw(st.integers(0, len(lines) - 1))
    changed = [
        *lines[:place],
        data.draw(LINE.map(" ".join).filter(lambda text: text != lines[place])),
        *lines[place + 1 :],
    ]
    assert floor.compare(run(*changed)).differs is True


@given(OUTPUT, OUTPUT, OUTPUT)
def test_nothing_that_is_printed_breaks_the_comparison(one, two, other) -> None:
    floor = Floor(run(*one), run(*two))
    floor.widen(run(*other))
    for seen in (one, two, other):
        assert floor.compare(run(*seen)).differs is not True or not floor.is_silent
