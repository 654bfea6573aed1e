"""Finds metrics in the JSON and CSV files that a run wrote. The files are hostile: nothing here raises."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nightlab.api.globs import matches
from nightlab.controller.config.schema import CsvFile, JsonFile
from nightlab.controller.model.score import Direction
from nightlab.controller.onboarding.metric import named, reason_of
from nightlab.controller.onboarding.metric_names import SPLIT_WEIGHT, meaning_of, split_of, stage_weight, words_of
from nightlab.controller.scoring.files import read_csv, read_json

DEEPEST: Final = 4
MOST_KEYS: Final = 400
# A part of a path that is another one in each run stands in a config as "*".
_CHANGES: Final = re.compile(r"\d{6,}|\d{4}-\d{2}-\d{2}|[0-9a-f]{8}-[0-9a-f]{4}|\d{2}[-:_]\d{2}[-:_]\d{2}")


@dataclass(frozen=True, slots=True)
class FileMetric:
    """A number in a file that may score a run; see `metric.Metric`."""

    name: str
    direction: Direction
    measure: JsonFile | CsvFile
    value: float
    unit: str
    weight: int
    reason: str


def file_metrics(files: Mapping[str, bytes]) -> list[FileMetric]:
    """Return what may score the run, best first.

    Args:
        files: Path -> content, of the small files that a run wrote.
    """
    found = [metric for path, content in files.items() for metric in _of(_lasting(path, files), content)]
    return sorted(found, key=lambda metric: (-metric.weight, metric.measure.path))


def _lasting(path: str, files: Mapping[str, bytes]) -> str:
    """Return a path that finds the same file in other runs: itself or a glob; empty if that finds others too."""
    folder, _, name = path.rpartition("/")
    parts = ["*" if _CHANGES.search(part) else part for part in folder.split("/") if part]
    glob = "/".join([*parts, re.sub(rf"(?:{_CHANGES.pattern})[\dT:_-]*", "*", name)])
    return path if glob == path else glob if [each for each in files if matches(each, glob)] == [path] else ""


def _of(path: str, content: bytes) -> Iterator[FileMetric]:
    if path.lower().endswith((".json", ".jsonl", ".ndjson")):
        for key in _json_keys(content):
            measure = JsonFile(source="json", path=path, key=key)
            yield from _metric(path, key, measure, read_json(content, measure).value)
    elif path.lower().endswith((".csv", ".tsv")):
        for column in _columns(content):
            table = CsvFile(source="csv", path=path, column=column)
            yield from _metric(path, column, table, read_csv(content, table).value)


def _metric(path: str, key: str, measure: JsonFile | CsvFile, value: float | None) -> Iterator[FileMetric]:
    own = words_of(key.removesuffix(".-1").rpartition(".")[2])
    words = (*words_of(path), *words_of(key))
    meaning = meaning_of(own)
    if meaning is None or value is None:
        return
    split = split_of(own) or split_of(words)
    yield FileMetric(
        name=named("_".join(own)),
        direction=meaning.direction,
        measure=measure,
        value=value,
        unit=meaning.unit,
        weight=meaning.weight + SPLIT_WEIGHT[split] + stage_weight(words) - 5,
        reason=f"{reason_of(meaning, split)}, in a file that the run writes",
    )


def _json_keys(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        try:
            document = json.loads(text.strip().rpartition("\n")[2])
        except (ValueError, RecursionError):
            return []
    return [key for _, key in zip(range(MOST_KEYS), _paths(document, ""), strict=False)]


def _paths(node: Any, prefix: str) -> Iterator[str]:
    if prefix.count(".") >= DEEPEST:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(key, str) and key and "." not in key:
                yield from _paths(value, f"{prefix}.{key}" if prefix else key)
    elif isinstance(node, list) and node:
        yield from _paths(node[-1], f"{prefix}.-1" if prefix else "-1")
    elif isinstance(node, (int, float)) and not isinstance(node, bool) and prefix:
        yield prefix


def _columns(content: bytes) -> list[str]:
    header = content.decode("utf-8", "replace").lstrip("\ufeff").partition("\n")[0]
    try:
        mark = next((mark for mark in ",;\t" if mark in header), ",")
        return [name.strip() for name in next(csv.reader([header], delimiter=mark), []) if name.strip()][:MOST_KEYS]
    except csv.Error:
        return []
