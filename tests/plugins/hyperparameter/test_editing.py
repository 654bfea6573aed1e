"""Edits change the literal's bytes and nothing else, keep its type and notation, and are refused where they must be."""

import ast
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlab.plugins.hyperparameter import PLUGIN
from nightlab.plugins.hyperparameter.rewrite import scan
from nightlab.sdk import Context, Edits, Unmet

SCRIPTS = Path(__file__).parents[2] / "data" / "scripts"
TUNE, SET = PLUGIN.actions
TOML = b"""# c
lr = 3e-4 # yes
note = '''
lr = 5
[x]
'''
[optim]
weight_decay = 0.1
betas = [0.9, 0.95]  # b
[optim.sched]
warmup_steps = 1_000
[[stage]]
lr = 0.1
[[stage]]
lr = 0.2
"""
JSON = (
    b'{\n  "model": {"n_layer": 4, "dropout": 0.1, "name": "x\\"y"},\r\n'
    b'  "use_bias": true,\t"x": [1, {"lr": 1e-3}]\n}\n'
)
FILES = {
    "constants.py": (SCRIPTS / "constants.py").read_bytes(),
    "options.py": (SCRIPTS / "options.py").read_bytes().replace(b"\n", b"\r\n"),
    "base.yaml": (SCRIPTS / "yaml_repo/configs/base.yaml").read_bytes(),
    "opt.toml": TOML,
    "m.json": JSON,
}


def tune(files: Mapping[str, bytes | str], arguments: Mapping[str, Any], **word: Any) -> dict[str, bytes | None]:
    ws = Edits(files)
    TUNE.apply(ws, arguments, Context(word))
    return ws.changes()


def one(text: str, value: object, name: str = "t.py:lr") -> str:
    changed = tune({name.split(":")[0]: text}, {name: value}, tunable={name: {"low": 1e-9, "high": 1e9}})
    content = changed[name.split(":")[0]]
    assert content is not None
    return content.decode()


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("lr = 3e-4  # why\n", 0.00025, "lr = 2.5e-4  # why\n"),
        ("lr = 3E-4\n", 0.00025, "lr = 2.5E-4\n"),
        ("lr = 0.1\n", 0.25, "lr = 0.25\n"),
        ("lr = 0.1\n", 2.5e-7, "lr = 2.5e-7\n"),
        ("lr = 0.1\n", 1.0, "lr = 1.0\n"),
        ("lr = 1e-1\n", 1.0, "lr = 1.0\n"),
        ("lr = (0.1)\n", 0.2, "lr = (0.2)\n"),
        ("lr = 1 / 8\n", 0.25, "lr = 0.25\n"),
        ("é = 1; lr = 0.1; x = '\N{SNOWMAN}'\n", 0.2, "é = 1; lr = 0.2; x = '\N{SNOWMAN}'\n"),
        ("lr  =  0.1\r\nx = 1\r\n", 0.2, "lr  =  0.2\r\nx = 1\r\n"),
    ],
)
def test_notation_is_kept(old: str, value: float, new: str) -> None:
    assert one(old, value) == new


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("batch_size = 2**5  # b\n", 64, "batch_size = 2**6  # b\n"),
        ("batch_size = 2 ** 5\n", 48, "batch_size = 48\n"),
        ("batch_size = 1 << 5\n", 64, "batch_size = 1 << 6\n"),
        ("batch_size = 1_024\n", 2048, "batch_size = 2_048\n"),
        ("batch_size = 4 * 8\n", 40, "batch_size = 40\n"),
        ("batch_size = 32", 33.0, "batch_size = 33"),
    ],
)
def test_integers_stay_integers(old: str, value: object, new: str) -> None:
    assert one(old, value, "t.py:batch_size") == new


@pytest.mark.parametrize(
    ("path", "old", "value", "new"),
    [
        ("a.yaml", "lr: 0.001 # x\n", 1e-5, "lr: 1.0e-5 # x\n"),
        ("a.yaml", "lr: '1e-3'\n", 2e-3, "lr: '2e-3'\n"),
        ("a.toml", "lr = 1e-3\n", 1e-5, "lr = 1e-5\n"),
        ("a.json", '{"lr": 1e-3}', 1e-5, '{"lr": 1e-5}'),
        ("a.json", '{"lr": 0.5}', 1.0, '{"lr": 1.0}'),
    ],
)
def test_config_notation_is_kept(path: str, old: str, value: float, new: str) -> None:
    assert one(old, value, f"{path}:lr") == new


def _draw(data: st.DataObject, spec: Mapping[str, Any]) -> Any:
    if "enum" in spec:
        return data.draw(st.sampled_from(spec["enum"]))
    if spec["type"] == "boolean":
        return data.draw(st.booleans())
    if spec["type"] == "integer":
        step = spec.get("multipleOf", 1)
        return step * data.draw(st.integers(spec["minimum"] // step, spec["maximum"] // step))
    return data.draw(st.floats(spec["minimum"], spec["maximum"]))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_accepted_arguments_change_their_literals_and_nothing_else(data: st.DataObject) -> None:
    checked = TUNE.check(Edits(FILES), Context())
    properties = checked.schema["properties"]
    names = data.draw(st.lists(st.sampled_from(sorted(properties)), min_size=1, max_size=4, unique=True))
    arguments = {name: _draw(data, properties[name]) for name in names}
    ws = Edits(FILES)
    TUNE.apply(ws, arguments, Context())
    after = TUNE.check(Edits({path: ws.read(path) for path in ws.paths()}), Context()).schema["properties"]
    literals = {each.id: each for path, content in FILES.items() for each in scan(path, content)}
    for path, new in ws.changes().items():
        assert new is not None
        spans = sorted((literals[n].start, literals[n].end) for n in names if n.startswith(path + ":"))
        assert _outside(FILES[path], spans) in Ordered(new)
        _loads(path, new)
    assert {n: after[n]["default"] for n in arguments if n in after} == {
        n: arguments[n] for n in arguments if n in after
    }
    again = Edits(FILES)
    TUNE.apply(again, arguments, Context())
    assert again.changes() == ws.changes()


def _outside(content: bytes, spans: list[tuple[int, int]]) -> list[bytes]:
    edges = [0, *(edge for span in spans for edge in span), len(content)]
    return [content[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


class Ordered:
    """Holds pieces that occur in this order, the first at the start and the last at the end."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __contains__(self, pieces: list[bytes]) -> bool:
        at = 0
        for piece in pieces:
            found = self._content.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return self._content.startswith(pieces[0]) and self._content.endswith(pieces[-1])


def _loads(path: str, content: bytes) -> None:
    readers = {"py": ast.parse, "toml": lambda b: tomllib.loads(b.decode()), "yaml": yaml.safe_load, "json": json.loads}
    readers[path.rsplit(".", 1)[-1]](content)


def test_current_values_are_no_edit() -> None:
    checked = TUNE.check(Edits(FILES), Context())
    assert tune(FILES, {name: spec["default"] for name, spec in checked.schema["properties"].items()}) == {}
    assert tune(FILES, {}) == {}


def test_out_of_range_frozen_and_unknown_are_rejected_with_what_is_allowed() -> None:
    arguments = {"constants.py:learning_rate": 9.0, "constants.py:EVAL_BATCHES": 3, "constants.py:nothing": 1}
    with pytest.raises(Unmet) as caught:
        tune(FILES, arguments)
    notes = {note.pointer: note for note in caught.value.notes}
    assert "number from 6e-05 to 0.006" in notes["/constants.py:learning_rate"].detail
    assert notes["/constants.py:EVAL_BATCHES"].summary == "frozen: evaluation: EVAL_BATCHES = 20"
    assert notes["/constants.py:nothing"].detail


def test_set_literal_reaches_a_frozen_seed() -> None:
    ws = Edits(FILES)
    SET.apply(ws, {"id": "constants.py:SEED", "value_json": "99"}, Context())
    assert ws.changes() == {"constants.py": FILES["constants.py"].replace(b"SEED = 1337", b"SEED = 99")}
    ws = Edits(FILES)
    SET.apply(ws, {"id": "base.yaml:train.seed", "value_json": "8"}, Context())
    assert yaml.safe_load(ws.read("base.yaml"))["train"]["seed"] == 8


@pytest.mark.parametrize("value", ["1.5", '"9"', "true", "[1]", "nonsense", "null"])
def test_set_literal_keeps_the_type(value: str) -> None:
    with pytest.raises(Unmet, match=r"SEED is a integer|not JSON"):
        SET.apply(Edits(FILES), {"id": "constants.py:SEED", "value_json": value}, Context())


def test_set_literal_names_what_is_near() -> None:
    with pytest.raises(Unmet) as caught:
        SET.apply(Edits(FILES), {"id": "constants.py:SEEDS", "value_json": "1"}, Context())
    assert "constants.py:SEED" in caught.value.notes[0].detail
