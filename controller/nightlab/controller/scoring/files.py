"""Finds a number in a JSON, JSON-lines or CSV file that a run wrote. The files are hostile: nothing here raises."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, Final

from nightlab.controller.config.schema import CsvFile, JsonFile
from nightlab.controller.scoring.numbers import MAX_DIGITS, Picker, read_number
from nightlab.controller.scoring.scan import Reading, finite_reading

FILE_LIMIT_BYTES: Final = 4 << 20  # parsed JSON takes some thirty times its size in memory
LINE_LIMIT_CHARACTERS: Final = 1 << 18
_DELIMITERS: Final = ",;\t"


class _Unusable(Exception):
    """Why a file yields no number, in words for a person."""


class _Twice:
    """Stands for the value of a key that an object has more than once."""


def read_json(content: bytes, measure: JsonFile) -> Reading:
    """Find a number in a JSON file, or in the rows of a JSON-lines file; rows without the key are passed over."""
    try:
        return _json_reading(_text(content), measure)
    except (_Unusable, ValueError, RecursionError) as error:
        return Reading(None, why=f"{measure.path}: {_told(error)}")


def read_csv(content: bytes, measure: CsvFile) -> Reading:
    """Find a number in a column of a CSV file with a header; rows with an empty cell are passed over."""
    try:
        picker = Picker(measure.select)
        picker.take_all(_cells(_text(content), measure.column))
        if not picker.seen:
            raise _Unusable(f"column {measure.column!r} is empty")
        return finite_reading(picker, f"{measure.path}, row")
    except (_Unusable, csv.Error, ValueError) as error:
        return Reading(None, why=f"{measure.path}: {_told(error)}")


def _text(content: bytes) -> str:
    if len(content) > FILE_LIMIT_BYTES:
        raise _Unusable(f"is larger than {FILE_LIMIT_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unusable(f"is not UTF-8 (byte {error.start})") from None
    if not text.strip():
        raise _Unusable("is empty")
    return text


def _told(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return str(error)[:200]


def _json_reading(text: str, measure: JsonFile) -> Reading:
    try:
        documents = [(_parsed(text), 1)]
    except json.JSONDecodeError as error:
        documents = list(_rows(text))
        if not documents:
            raise _Unusable(f"is not JSON: {error}") from None
    picker = Picker(measure.select)
    last_miss = ""
    for document, row in documents:
        try:
            picker.take(_number(_at(document, measure.key), measure.key), row)
        except _Missing as error:
            last_miss = str(error)
    if not picker.seen:
        raise _Unusable(last_miss)
    return finite_reading(picker, f"{measure.path}, row")


class _Missing(_Unusable):
    """A row does not have the key."""


def _rows(text: str) -> Iterator[tuple[Any, int]]:
    """Parse JSON lines; a line that is none, such as one cut by a kill, is passed over."""
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip() and len(line) <= LINE_LIMIT_CHARACTERS:
            try:
                document = _parsed(line)
            except json.JSONDecodeError:
                continue
            if isinstance(document, (dict, list)):
                yield document, row


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=_literal, parse_float=_literal, object_pairs_hook=_unique)


def _literal(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise _Unusable(f"has a number of {len(digits)} characters")
    return float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Twice() if key in found else value
    return found


def _at(document: Any, key: str) -> Any:
    """Follow a dotted path; a key that itself has dots is tried first."""
    if isinstance(document, dict) and key in document:
        return document[key]
    value = document
    for part in key.split("."):
        value = _child(value, part, key)
    return value


def _child(value: Any, part: str, key: str) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and part.removeprefix("-").isdecimal() and len(part) < 10:
        index = int(part)
        if -len(value) <= index < len(value):
            return value[index]
    raise _Missing(f"has no {key!r}")


def _number(value: Any, key: str) -> float:
    if isinstance(value, _Twice):
        raise _Unusable(f"has {key!r} more than once")
    if value is None:
        raise _Missing(f"has null at {key!r}")
    if isinstance(value, bool) or not isinstance(value, float):
        raise _Unusable(f"has no number at {key!r} but {type(value).__name__}")
    return value


def _cells(text: str, column: str) -> Iterator[tuple[float, int]]:
    header = text.partition("\n")[0]
    delimiter = next((d for d in _DELIMITERS if column in _header(header, d)), ",")
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    names = [name.strip() for name in next(rows)]
    if names.count(column) != 1:
        raise _Unusable(f"has {names.count(column)} columns {column!r} in its header")
    index = names.index(column)
    for number, row in enumerate(rows, start=2):
        if len(row) > index and row[index].strip():
            value = read_number(row[index])
            if value is None:
                raise _Unusable(f"has {row[index][:40]!r} in row {number}, which is not a number")
            yield value, number


def _header(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
