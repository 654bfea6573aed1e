import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.search.policy import Candidate
from nightlab.controller.search.space import space_of


def one(described, default=None):
    given_defaults = {} if default is None else {"x": default}
    space = space_of(Candidate("p", "a", {"properties": {"x": described}}, "d", given_defaults))
    assert space is not None
    return space.parameters[0]


LR = {"type": "number", "minimum": 1e-5, "maximum": 1e-1, "x-scale": "log", "default": 1e-3}
WIDTH = {"type": "integer", "minimum": 32, "maximum": 256, "multipleOf": 16, "x-scale": "log", "default": 64}
DEPTH = {"type": "integer", "minimum": 1, "maximum": 6, "default": 2}


def test_a_step_on_a_logarithm_at_most_doubles():
    lr = one(LR)
    assert lr.moved(1e-3, 1.0) == pytest.approx(2e-3)
    assert lr.moved(1e-3, -1.0) == pytest.approx(5e-4)
    assert lr.coordinate(4e-3) == pytest.approx(2.0)


def test_a_step_of_an_integer_reaches_another_integer_on_the_grid():
    assert one(WIDTH).moved(64, 0.5) == 80
    assert one(WIDTH).moved(64, -0.5) == 48
    assert one(DEPTH).moved(2, 1.0) == 3
    assert one(DEPTH).moved(6, 1.0) is None


def test_a_proposed_float_is_short_enough_to_read():
    assert one(LR).snapped(0.00123456) == 0.00123
    assert one(LR).snapped(5.0) == 0.1


def test_a_default_outside_the_range_counts_as_the_nearest_inside():
    dropout = one({"type": "number", "minimum": 0.01, "maximum": 0.5, "x-scale": "log", "default": 0.0})
    assert dropout.default == 0.0
    assert dropout.told(0.0) == 0.01
    assert dropout.coordinate(0.0) == 0.0
    assert dropout.moved(0.0, 1.0) > 0.01


def test_the_value_in_the_tree_wins_over_the_schemas_default():
    assert one(LR, 2e-4).default == 2e-4


def test_true_and_one_are_different_choices_and_one_and_one_point_nought_the_same_number():
    choice = one({"enum": [1, True, "1"], "type": "string", "default": 1})
    assert [choice.told(value) for value in (1, True, "1")] == [0, 1, 2]
    space = space_of(Candidate("p", "a", {"properties": {"x": LR}}, "d"))
    assert space.key({"x": 1}) == space.key({"x": 1.0})
    assert space.key({"x": 1}) != space.key({"x": True})


def test_numbers_to_choose_from_are_in_order_and_words_are_not():
    sizes = one({"type": "integer", "enum": [8, 16, 32], "default": 16})
    assert list(sizes.neighbours(16, (1.0,))) == [32, 8]
    words = one({"type": "string", "enum": ["relu", "gelu", "silu"], "default": "gelu"})
    assert list(words.neighbours("gelu", (1.0,))) == ["relu", "silu"]


def test_what_cannot_be_sampled_is_fixed_or_leaves_the_action_out():
    text = {"type": "string"}
    frozen = {**LR, "x-sampleable": False}
    space = space_of(Candidate("p", "a", {"properties": {"x": LR, "y": text, "z": frozen}}, "d", {"y": "adam"}))
    assert [p.name for p in space.parameters] == ["x"]
    assert space.fixed == {"y": "adam", "z": 1e-3}
    assert space_of(Candidate("p", "a", {"properties": {"y": text}}, "d")) is None


def test_an_action_without_parameters_has_one_assignment():
    space = space_of(Candidate("p", "a", {"properties": {}}, "d"))
    assert space.listed(10) == [{}]


numbers = st.tuples(st.floats(1e-9, 1e6), st.floats(1.01, 1e6), st.booleans(), st.floats(0, 1))


@given(numbers, st.floats(-50, 50), st.sampled_from(["number", "integer"]), st.integers(1, 64))
def test_every_move_of_every_range_stays_inside_and_on_the_grid(drawn, steps, kind, grid):
    low, factor, is_log, share = drawn
    described = {"type": kind, "minimum": low, "maximum": low * factor, "x-scale": "log" if is_log else "linear"}
    if kind == "integer":
        described |= {"minimum": math.ceil(low), "maximum": math.ceil(low * factor) + grid, "multipleOf": grid}
    space = space_of(
        Candidate("p", "a", {"properties": {"x": described}}, "d", {"x": low + share * low * (factor - 1)})
    )
    if space is None or not space.parameters:
        return
    x = space.parameters[0]
    value = x.moved(x.default, steps)
    if value is not None:
        assert x.low <= value <= x.high
        assert math.isfinite(x.coordinate(value))
        assert x.distribution()._contains(x.distribution().to_internal_repr(x.told(value)))
        assert json.loads(json.dumps(value)) == value
        if kind == "integer":
            assert isinstance(value, int)
            assert value % grid == 0
