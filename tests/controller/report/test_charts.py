"""Pictures place values truly: round ticks, a true front, lanes without overlap, ledger shares that sum."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.controller.report import factory

from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.report.charts import ledger_bar, pareto_chart, progress_chart, timeline_chart
from nightlab.controller.report.charts._axis import Scale, padded, ticks, time_ticks, without_outliers
from nightlab.controller.report.charts._svg import element
from nightlab.controller.report.charts.pareto import non_dominated
from nightlab.controller.report.charts.timeline import lanes_of

TRIAL = factory.run(0, Verdict.DISCARD, 1.0, begin_s=0)
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(NUMBERS, NUMBERS, st.sampled_from(["", "bytes", "s"]))
def test_ticks_are_few_distinct_and_inside(one, other, unit):
    low, high = min(one, other), max(one, other)
    assume(high - low > 1e-6 * max(1.0, abs(low), abs(high)))
    found = ticks(low, high, unit)
    values = [value for value, _ in found.marks]
    room = (high - low) * 1e-6
    assert len(values) <= 12 and values == sorted(set(values))
    assert all(low - room <= value <= high + room for value in values)
    assert len({label for _, label in found.marks}) == len(values)


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels", "name"),
    [
        (2.21, 2.29, "bits", ["2.22", "2.24", "2.26", "2.28"], "bits"),
        (0, 3 * 2**30, "bytes", ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"], "GiB"),
        (0.0, 0.01, "", ["0.000", "0.002", "0.004", "0.006", "0.008", "0.010"], ""),
        (-1.0, 1.0, "", ["\N{MINUS SIGN}1.0", "\N{MINUS SIGN}0.5", "0.0", "0.5", "1.0"], ""),
    ],
)
def test_ticks_are_round(low, high, unit, labels, name):
    found = ticks(low, high, unit)
    assert [label for _, label in found.marks] == labels and found.unit == name


def test_time_ticks_are_clock_like():
    assert [label for _, label in time_ticks(0, 6000).marks] == ["0", "30", "60", "90"]
    assert time_ticks(0, 8 * 3600).unit == "h" and time_ticks(0, 20).unit == "s"


def test_a_diverged_run_does_not_flatten_the_picture():
    assert max(without_outliers([2.2, 2.21, 2.23, 2.24, 2.25, 9.8])) == 2.25
    assert without_outliers([1.0, 1.0, 1.0, 1.0, 5.0]) == [1.0, 1.0, 1.0, 1.0, 5.0]
    low, high = padded([float("nan"), 3.0])
    assert low < 3.0 < high


def test_a_scale_clamps():
    scale = Scale(0.0, 10.0, 100.0, 200.0)
    assert [scale(value) for value in (-5, 0, 5, 99)] == [100, 100, 150, 200] and not scale.holds(11)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.sampled_from(list(Direction)))
def test_the_front_is_exactly_what_nothing_beats(pairs, direction):
    sign = 1 if direction is Direction.MINIMIZE else -1
    front = {(x, y) for x, y, _ in non_dominated([(x, y, TRIAL) for x, y in pairs], direction)}
    beaten = {
        (x, y)
        for x, y in pairs
        if any(a <= x and sign * b <= sign * y and (a, b) != (x, y) for a, b in pairs)
    }  # fmt: skip
    assert front == set(pairs) - beaten


def test_lanes_never_overlap_without_given_slots():
    view = factory.good_night()
    free = replace(view, trials=tuple(replace(trial, slot=None) for trial in view.trials))
    for lane in lanes_of(free):
        for left, right in pairwise(lane):
            assert left.ended_at_unix_s <= right.started_at_unix_s
    assert sorted(t.number for lane in lanes_of(free) for t in lane) == [t.number for t in view.trials]


def test_a_slot_that_never_worked_is_shown_idle():
    view = replace(factory.no_gain(), slots=4)
    assert [len(lane) for lane in lanes_of(view)][2:] == [0, 0]


def test_a_running_trial_reaches_to_now():
    svg = timeline_chart(factory.running())
    assert "v-running" in svg and "trial 5, running" in svg


def test_every_trial_with_a_container_has_a_bar():
    svg = timeline_chart(factory.good_night())
    assert len(re.findall('class="bar ', svg)) == 18


def test_ledger_widths_sum_to_the_whole_bar():
    root = ET.fromstring(str(ledger_bar(factory.good_night())))
    widths = [float(rect.get("width")) for rect in root.iter("rect")]
    assert sum(widths) + len(widths) == pytest.approx(1120, abs=1)


def test_the_front_picture_shows_band_best_and_what_is_off():
    svg = str(pareto_chart(factory.good_night()))
    root = ET.fromstring(svg)
    classes = " ".join(node.get("class") or "" for node in root.iter())
    assert "band" in classes and "ring" in classes and "front" in classes
    assert len(list(root.iter("g"))) == 13  # every trial with both numbers, the diverged one at the edge


@pytest.mark.parametrize("chart", [pareto_chart, progress_chart, timeline_chart, ledger_bar])
def test_an_empty_study_has_no_pictures(chart):
    assert chart(factory.empty()) is None


@pytest.mark.parametrize("chart", [pareto_chart, progress_chart, timeline_chart, ledger_bar])
@pytest.mark.parametrize(
    "name", ["good_night", "no_gain", "unknown_floor", "running", "multi_objective", "hostile", "big"]
)
def test_pictures_are_well_formed_and_their_numbers_finite(chart, name):
    svg = str(chart(getattr(factory, name)()))
    root = ET.fromstring(svg)
    assert (
        root.tag == "svg"
        and "nan" not in re.sub(r">[^<]*<", "><", svg)
        and "script" not in {n.tag for n in root.iter()}
    )


def test_text_and_attributes_cannot_break_out():
    made = element("text", "</text><script>\x1b", class_='"><script>')
    node = ET.fromstring(str(made))
    assert node.text == "</text><script>\\x1b" and node.get("class") == '"><script>' and len(node) == 0
