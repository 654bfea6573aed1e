"""Quantities read well and never claim digits that the noise floor swallows."""

from datetime import timedelta, timezone

import pytest
from tests.controller.report import factory

from nightlab.controller.model.change import Writer
from nightlab.controller.model.score import NoiseFloor
from nightlab.controller.report import words
from nightlab.controller.report.gate_words import evidence

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "unit", "resolution", "shown"),
    [
        (2.271412345, "bits/byte", 0.0031, "2.2714 bits/byte"),
        (2.271412345, "bits/byte", None, "2.2714 bits/byte"),
        (71.25, "%", 0.28, "71.25 %"),
        (1234567.0, "", 1000.0, "1234567"),
        (-0.00004, "", 0.01, "0.000"),
        (-1.5, "x", 0.1, f"{MINUS}1.50 x"),
        (17.0 * 2**30, "bytes", None, "17.0 GiB"),
        (-(2.0**20), "bytes", None, f"{MINUS}1.0 MiB"),
        (245.0, "s", None, "4 min 05 s"),
        (None, "s", None, "\N{EN DASH}"),
        (float("nan"), "x", None, "nan x"),
        (3e-7, "", None, "3e-07"),
    ],
)
def test_show_quantity(value, unit, resolution, shown):
    assert words.show_quantity(value, unit, resolution=resolution) == shown


def test_changes_carry_their_sign():
    assert words.show_change(0.0213, "bits/byte", resolution=0.003) == "+0.0213 bits/byte"
    assert words.show_change(-0.0213, "", resolution=0.003) == f"{MINUS}0.0213"
    assert words.show_change(None) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0.0476, 2.2714, "+2.10 %"), (-27.0, 44.0, f"{MINUS}61.4 %"), (1.0, -2.0, "+50.0 %"), (1.0, 0.0, "\N{EN DASH}")],
)
def test_show_percent(part, whole, shown):
    assert words.show_percent(part, whole) == shown


def test_a_gain_is_told_in_noise_floors_only_where_there_is_one():
    floor = NoiseFloor("x", 2.0, 0.1, 3, 0.25)
    assert words.show_floors(0.5, floor) == "+2.0\N{MULTIPLICATION SIGN}"
    assert words.show_floors(0.5, None) == words.show_floors(0.5, NoiseFloor("x", 2.0, None, 1, None)) == "\N{EN DASH}"


def test_moments_are_told_in_the_zone_asked():
    assert words.show_when(factory.START) == "Mon 23 Nov 2026, 23:00 UTC"
    assert words.show_when(factory.START, timezone(timedelta(hours=2), "EET")) == "Tue 24 Nov 2026, 01:00 EET"


def test_what_a_trial_tried_is_one_line():
    view = factory.good_night()
    arrow = "\N{RIGHTWARDS ARROW}"
    assert words.show_actions(view.trial(5)) == f'LR 0.0003 {arrow} 0.0009, ACTIVATION "gelu" {arrow} "relu2"'
    assert words.show_actions(view.trial(9)) == "trial 5 again, seed 1346"
    assert words.show_actions(view.trial(0)) == "the base tree"
    many = factory.action(LR=1, DEPTH=2, WARMUP=3, ACTIVATION="x", TIE_WEIGHTS=True)
    trial = factory.run(1, None, 1.0, begin_s=0, actions=(many,))
    assert words.show_actions(trial).endswith(", 2 more")
    assert words.show_actions(factory.hostile().trial(5)).isprintable()


def test_a_good_repeat_is_called_confirm_and_a_bad_one_by_its_verdict():
    view = factory.good_night()
    assert words.verdict_word(view.trial(9)) == "confirm"
    assert words.verdict_word(view.trial(6)) == "crash"
    assert words.verdict_word(factory.running().trial(5)) == "running"


def test_a_writer_that_another_tool_could_have_been_is_not_accused_alone():
    one = Writer("ruff format", ("train.py",), also=("black",))
    assert evidence(one) == "`ruff format` makes exactly this change; so does `black`"
    two = Writer("ruff format", ("train.py",), also=("black", "autopep8 --aggressive"), is_exact=False)
    assert evidence(two).endswith("same AST; so do `black`, `autopep8 --aggressive`")
    assert evidence(Writer("black", ("train.py",))) == "`black` makes exactly this change"
