"""The kit's own arguments: by the contract's own rules the good ones are good and the bad ones bad."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlab.api.params import argument_problems, load_object, schema_problems
from nightlab.sdk.conformance.arguments import bad_texts, bad_values, example, samples

RELAXED = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FLOATS = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted((draw(FLOATS), draw(FLOATS)))
    scale = {"x-scale": "log"} if low > 0 else {}
    return {"type": "number", "minimum": low, "maximum": high, **scale}


@st.composite
def integers(draw: st.DrawFn) -> dict[str, Any]:
    step = draw(st.integers(1, 9))
    low = step * draw(st.integers(-50, 50))
    steps = {"multipleOf": step} if step > 1 else {}
    return {"type": "integer", "minimum": low, "maximum": low + draw(st.integers(0, 1000)), **steps}


SPECS = st.one_of(
    numbers(),
    integers(),
    st.just({"type": "boolean"}),
    st.builds(lambda length: {"type": "string", "maxLength": length}, st.integers(0, 50)),
    st.builds(lambda words: {"type": "string", "enum": words}, st.lists(st.text(max_size=5), min_size=1)),
    st.builds(lambda values: {"type": "integer", "enum": values}, st.lists(st.integers(-9, 9), min_size=1)),
)
NAMES = st.text("abc/~_", min_size=1, max_size=4)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, SPECS, max_size=4))
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    assert schema_problems(schema) == []
    return schema


@RELAXED
@given(schemas(), st.text(max_size=3))
def test_examples_and_samples_are_in_the_schema(schema: dict[str, Any], seed: str) -> None:
    for arguments in (example(schema), *samples(schema, seed, 8)):
        assert argument_problems(schema, arguments) == []


@RELAXED
@given(schemas())
def test_the_same_seed_makes_the_same_samples(schema: dict[str, Any]) -> None:
    assert samples(schema, "one", 8) == samples(schema, "one", 8)


@RELAXED
@given(schemas())
def test_what_must_be_refused_is_outside_the_schema_at_the_named_place(schema: dict[str, Any]) -> None:
    for bad in bad_values(schema, example(schema)):
        assert bad.pointer in [problem.pointer for problem in argument_problems(schema, json.loads(bad.text))], bad


@pytest.mark.parametrize("spec", [None, {"type": "boolean"}, {"type": "number", "minimum": 0, "maximum": 1}])
def test_what_is_no_arguments_can_neither_be_read_nor_accepted(spec: dict[str, Any] | None) -> None:
    schema = {"properties": {} if spec is None else {"x": spec}}
    for bad in bad_texts(schema):
        try:
            arguments = load_object(bad.text)
        except ValueError:
            continue
        assert argument_problems(schema, arguments), bad.what


def test_each_way_of_being_wrong_occurs() -> None:
    schema = {
        "type": "object",
        "properties": {
            "lr": {"type": "number", "minimum": 1e-6, "maximum": 1e-1, "x-scale": "log"},
            "heads": {"type": "integer", "minimum": 2, "maximum": 8, "multipleOf": 2},
            "note": {"type": "string", "maxLength": 4},
            "norm": {"type": "string", "enum": ["rms", "layer"]},
        },
        "required": ["lr", "heads", "note", "norm"],
        "additionalProperties": False,
    }
    found = {bad.what for bad in bad_values(schema, example(schema))}
    expected = ["lr missing", "lr too small", "lr text", "heads off the grid", "heads between two integers"]
    assert found >= {*expected, "note too long", "norm not one of the choices", "an unknown argument"}


@pytest.mark.parametrize("what", ["text that is not JSON", "a JSON array", "a long list", "deep nesting"])
def test_texts_that_are_no_arguments(what: str) -> None:
    assert what in {bad.what for bad in bad_texts({"properties": {}})}
