import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.config.schema import CsvFile, JsonFile
from nightlab.controller.scoring.files import FILE_LIMIT_BYTES, read_csv, read_json


def from_json(content, key="loss", select="last"):
    return read_json(content, JsonFile(source="json", path="out.json", key=key, select=select))


def from_csv(content, column="loss", select="last"):
    return read_csv(content, CsvFile(source="csv", path="out.csv", column=column, select=select))


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        (b'{"loss": 1.5}', "loss", 1.5),
        (b'\xef\xbb\xbf{"loss": 2}', "loss", 2.0),
        (b'{"eval": {"steps": [{"loss": 3}, {"loss": 4}]}}', "eval.steps.1.loss", 4.0),
        (b'{"eval": {"steps": [{"loss": 3}, {"loss": 4}]}}', "eval.steps.-2.loss", 3.0),
        (b'{"eval.loss": 5}', "eval.loss", 5.0),
        (b"[1, 2, 3]", "2", 3.0),
        (b'{"loss": 1}\n{"loss": 0.5}\n{"note": "done"}\n{"loss": 0.2', "loss", 0.5),
    ],
)
def test_the_number_is_found(content, key, value):
    assert from_json(content, key).value == value


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "not JSON"),
        (b'{"loss": true}', "bool"),
        (b'{"loss": "1.5"}', "str"),
        (b'{"loss": null}', "null"),
        (b'{"loss": NaN}', "nan"),
        (b'{"loss": -Infinity}', "inf"),
        (b'{"loss": 1e999}', "inf"),
        (b'{"loss": ' + b"9" * 10_000 + b"}", "10000 characters"),
        (b'{"loss": 1, "loss": 2}', "more than once"),
        (b'{"gain": 1}', "no 'loss'"),
        (b'{"loss": [1]}', "list"),
        (b"7", "no 'loss'"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"\x80abc", "not UTF-8"),
        (b'{"loss": 1}' + b" " * FILE_LIMIT_BYTES, "larger than"),
        (b"\x00\x00", "not JSON"),
    ],
)
def test_a_hostile_or_useless_json_file_is_a_reason(content, why):
    found = from_json(content)
    assert found.value is None
    assert why in found.why
    assert len(found.why) < 300


def test_json_lines_select_counts_rows():
    rows = b"".join(json.dumps({"loss": v}).encode() + b"\n" for v in (3, 1, 2))
    assert from_json(rows, select="min").value == 1.0
    assert from_json(rows, select="first").value == 3.0
    assert from_json(rows, select="max").seen == 3


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"step,loss\n1,2.5\n2,1.5\n", 1.5),
        (b"\xef\xbb\xbfstep;loss\r\n1;2.5\r\n", 2.5),
        (b'step\tloss\n1\t"2.5"\n', 2.5),
        (b"step, loss\n1, 2.5\n2,\n3\n", 2.5),
        (b'"a,b",loss\nx,87.5%\n', 87.5),
    ],
)
def test_the_cell_is_found(content, value):
    assert from_csv(content).value == value


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"step\n1\n", "0 columns"),
        (b"loss,loss\n1,2\n", "2 columns"),
        (b"step,loss\n1,\n", "is empty"),
        (b"step,loss\n1,fast\n", "'fast' in row 2"),
        (b"step,loss\n1,nan\n", "nan"),
        (b"step,loss\n1,True\n", "not a number"),
        (b"loss\n" + b"1" * 200_000 + b"\n", "field larger than field limit"),
        (b"loss\n\xff\n", "not UTF-8"),
    ],
)
def test_a_hostile_or_useless_csv_file_is_a_reason(content, why):
    found = from_csv(content)
    assert found.value is None
    assert why in found.why


@given(st.binary(max_size=300))
def test_no_content_raises(content):
    for prefix in (b"", b"loss\n", b'{"loss":', b"loss,"):
        from_json(prefix + content)
        from_csv(prefix + content)
