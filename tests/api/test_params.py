"""nightlab-params/1: what is in the subset, what arguments it takes, and that both sides agree."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.api.params import (
    accepts,
    argument_problems,
    canonical_json,
    complete,
    is_sampleable,
    load_object,
    pointer,
    schema_digest,
    schema_problems,
)

LR = {"type": "number", "minimum": 1e-5, "maximum": 1e-2, "x-scale": "log", "default": 1e-3}
WIDTH = {"type": "integer", "minimum": 32, "maximum": 256, "multipleOf": 32, "default": 64}
KIND = {"type": "string", "enum": ["adam", "sgd"], "default": "adam"}


def schema(required: tuple[str, ...] = (), **properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


GOOD = schema(**{"train.py:lr": LR, "width": WIDTH, "kind": KIND, "on": {"type": "boolean", "default": True}})


def test_good_schema_has_no_problem() -> None:
    assert schema_problems(GOOD) == []
    assert is_sampleable(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {**GOOD, "anyOf": []},
        {**GOOD, "additionalProperties": True},
        {**GOOD, "required": ["nothing"]},
        schema(x={"type": "number", "default": 1.0}),
        schema(x={"type": "array", "default": []}),
        schema(x={**LR, "multipleOf": 0.1}),
        schema(x={**LR, "minimum": 0.0}),
        schema(x={**LR, "minimum": 1.0}),
        schema(x={**LR, "default": 1.0}),
        schema(x={**WIDTH, "minimum": 33}),
        schema(x={**WIDTH, "default": 65}),
        schema(x={**KIND, "enum": []}),
        schema(x={**KIND, "enum": ["adam", 3]}),
        schema(x={"type": "string", "maxLength": 3}),
        schema(x={"type": ["number"], "default": 1}),
        schema(x={"type": "number", "minimum": math.nan, "maximum": 1.0, "default": 0.5}),
        [],
        {"type": "object"},
    ],
)
def test_wrong_schema_is_named(wrong: object) -> None:
    problems = schema_problems(wrong)
    assert problems and all(each.summary and each.allowed for each in problems)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 65),
        ("width", 512),
        ("width", True),
        ("width", 64.5),
        ("kind", "lion"),
        ("on", 1),
        ("train.py:lr", "x"),
    ],
)
def test_bad_argument_says_what_is_allowed(name: str, value: object) -> None:
    problem = argument_problems(GOOD, {name: value})[0]
    assert problem.pointer == pointer(name)
    assert problem.allowed


def test_unknown_and_missing_arguments_are_told() -> None:
    needs = schema(("lr",), lr={k: v for k, v in LR.items() if k != "default"})
    assert [each.pointer for each in argument_problems(needs, {"nix": 1})] == ["/lr", "/nix"]


def test_left_out_means_the_default_and_types_are_kept() -> None:
    filled = complete(GOOD, {"width": 128.0, "train.py:lr": 0.001})
    assert filled == {"train.py:lr": 0.001, "width": 128, "kind": "adam", "on": True}
    assert isinstance(filled["width"], int)


def test_pointer_escapes_what_json_pointer_needs() -> None:
    assert pointer("properties", "a/b~c") == "/properties/a~1b~0c"


@pytest.mark.parametrize("text", ["[]", "3", '{"a": NaN}', '{"a": 1, "a": 2}', "{", "[" * 100_000])
def test_only_plain_objects_are_read(text: str) -> None:
    with pytest.raises(ValueError):
        load_object(text)


def test_digest_does_not_depend_on_key_order() -> None:
    turned = dict(reversed(GOOD.items()))
    assert schema_digest(GOOD) == schema_digest(turned)
    assert schema_digest(GOOD) != schema_digest(schema(width=WIDTH))
    assert len(schema_digest(GOOD)) == 12


_TEXT = st.text("ab/~ü", max_size=4)
_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT | st.lists(st.integers() | _TEXT, max_size=3)
_KEYS = st.sampled_from(
    ["type", "enum", "minimum", "maximum", "multipleOf", "default", "x-scale", "maxLength", "title"]
)
_CHANGES = st.dictionaries(_KEYS, _VALUE | st.sampled_from(["number", "integer", "string", "log"]), max_size=2)


@given(st.sampled_from([LR, WIDTH, KIND]), _CHANGES)
def test_any_property_is_judged_and_a_good_one_accepts_its_default(spec: dict[str, object], change: object) -> None:
    changed = {**spec, **change}
    if not schema_problems(schema(x=changed)):
        assert accepts(changed, changed["default"])
        assert canonical_json(changed)
