"""A written config reads back equal and says its reasons."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from nightlab.controller.config.load import parse_config
from nightlab.controller.config.paths import lines_of
from nightlab.controller.config.write import render_config

VALUES = {
    "name": "tiny",
    "train": {
        "command": ["python", "train.py"],
        "timeout": "10m",
        "pids": None,
        "env": {"A": "1"},
        "editable": ("**/*.py",),
    },
    "objectives": [
        {"name": "val_bpb", "measure": {"source": "regex", "pattern": r"^val_bpb: (\d+\.\d+)$"}},
        {"name": "memory", "measure": {"source": "observed", "quantity": "peak_memory"}},
    ],
    "noise": {"repeats": 3, "seed": {"kind": "argument", "name": "--seed", "base": 1337}},
    "search": {"frozen": ["train.py:STEPS"], "tunable": {"train.py:LR": {"low": 1e-5, "high": 0.1, "log": True}}},
}
REASONS = {
    "": "Written by `nightlab init`.\n\nEvery value may be changed.",
    "train.timeout": "Three times what the sample run took. " * 6,
    "objectives[0].measure": "The last line of the sample run that has a number after val_bpb.",
    "noise.seed.name": "argparse in train.py:12",
    "search": "What may change.",
}


def without_none(value):
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list | tuple) else value


def test_config_reads_back_equal_with_its_reasons_above_the_values():
    text = render_config(VALUES, REASONS)
    assert tomllib.loads(text) == without_none(VALUES)
    assert parse_config(text).train.command == ("python", "train.py")
    lines, at = text.splitlines(), lines_of(text)
    assert lines[:3] == ["# Written by `nightlab init`.", "#", "# Every value may be changed."]
    assert lines[at["objectives", 0, "measure"] - 2] == f"# {REASONS['objectives[0].measure']}"
    assert lines[at["objectives", 0, "measure"] - 1].endswith(r"pattern = '^val_bpb: (\d+\.\d+)$'}")
    assert lines[at["noise", "seed", "name"] - 2] == "# argparse in train.py:12"
    assert lines[at["search",]] == "# What may change."
    assert max(map(len, lines)) <= 110


def test_every_default_of_a_config_can_be_written():
    config = parse_config(render_config(VALUES, {}))
    assert parse_config(render_config(config.canonical(), {})) == config


def test_reason_cannot_break_out_of_its_comment():
    text = render_config({"name": "x"}, {"name": "a\nname = 'evil'\r\n\x1b[2J\x0bb", "": "\u2028[train]"})
    assert tomllib.loads(text) == {"name": "x"}
    assert "\x1b" not in text


SCALARS = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=20))
KEYS = st.text(min_size=1, max_size=12)
LEAVES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))
TABLES = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=6), max_leaves=6), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(KEYS, st.one_of(LEAVES, TABLES, st.lists(TABLES, min_size=1, max_size=2)), max_size=4), st.data()
)
def test_anything_reads_back_equal_and_every_key_has_its_line(values, data):
    text = render_config(values, {key: data.draw(st.text(max_size=40)) for key in list(values)[:2]})
    assert tomllib.loads(text) == values
    lines = lines_of(text)
    for key in values:
        assert (key,) in lines or (key, 0) in lines
