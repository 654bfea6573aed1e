"""The benchmarks' own arithmetic: what counts as lost, and when a bar is held."""

from __future__ import annotations

import pytest

from nightlab.controller.bench.kills import lost_bytes
from nightlab.controller.bench.proposing import timed
from nightlab.controller.bench.table import Bar, Row, cells

LINES = [b"%d %s\n" % (number, b"x" * 90) for number in range(1, 200)]
END = b"end 199\n"
WHOLE = b"".join(LINES) + END


def test_a_whole_log_has_lost_nothing():
    assert lost_bytes(WHOLE, len(WHOLE)) == 0


@pytest.mark.parametrize(
    "log",
    [
        b"",
        WHOLE[:-1],
        WHOLE.removesuffix(END),
        b"".join(LINES[:100] + LINES[101:]) + END,
        b"".join(LINES[:100] + LINES[99:]) + END,
        WHOLE[:5000] + b"?" + WHOLE[5001:],
    ],
    ids=["nothing", "last byte", "last line", "a line", "a line twice", "another byte"],
)
def test_whatever_is_missing_or_wrong_is_counted(log):
    assert lost_bytes(log, len(WHOLE)) > 0


def test_bytes_that_the_supervisor_counted_and_the_log_never_had_are_lost():
    assert lost_bytes(WHOLE, len(WHOLE) + 7) == 7


@pytest.mark.parametrize(
    ("bar", "is_held"),
    [
        (None, None),
        (Bar(20.0), True),
        (Bar(19.9), False),
        (Bar(2.0, "ratio"), True),
        (Bar(1.9, "ratio"), False),
        (Bar(10.0, "difference"), True),
        (Bar(9.0, "difference"), False),
    ],
)
def test_a_bar_is_held_against_the_median_its_ratio_or_its_difference(bar, is_held):
    row = Row("name", "what", "ms", [20.0, 1.0, 90.0], bar, "peer", [10.0])
    assert row.is_held is is_held
    assert row.as_json()["held"] is is_held
    assert cells(row)[-1] == {None: "", True: "held", False: "MISSED"}[is_held]


def test_a_ratio_without_a_peer_is_not_held():
    assert Row("name", "what", "ms", [1.0], Bar(2.0, "ratio")).is_held is False


def test_a_proposal_is_timed_once_for_each_trial_that_follows_the_history():
    samples = timed(12, 20, 6)
    assert len(samples) == 6 and min(samples) > 0.0
