"""Words what is wrong with a config: which setting, what was found, what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nightlab.controller.config.paths import Path, Shape, show_path
from nightlab.controller.config.schema import Config
from nightlab.controller.text import inert

_VALUE_CHARS: Final = 80
_NAME_RULE: Final = "should start with a letter and go on with letters, digits, '.', '_' or '-', at most 64 in all"
_MEASURE: Final = 'measure = { source = "regex", pattern = "val_loss: (\\\\S+)" }'
_SOURCES: Final = 'should be "regex", "json", "csv" or "observed"'
_WORDS: Final = {
    "Value error, ": "",
    "Input should be": "should be",
    "a valid tuple": 'a list, such as ["a", "b"]',
    "a valid dictionary": "a table",
    "a valid string": "text in quotes",
}
_EXAMPLES: Final = {
    "train": '[train] with command = "python train.py"',
    "command": 'command = "python train.py"',
    "objectives": f'[[objectives]] with name = "val_loss" and {_MEASURE}',
    "name": 'name = "val_loss"',
    "measure": _MEASURE,
    "pattern": 'pattern = "val_loss: (\\\\S+)"',
    "quantity": 'quantity = "peak_memory"',
    "path": 'path = "out/metrics.json"',
    "key": 'key = "val_loss"',
    "column": 'column = "val_loss"',
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting.

    Attributes:
        where: "line 12" or what overrode the file; empty if neither is known.
        setting: Dotted; empty for the whole file.
        text: What was found and what would be right.
    """

    where: str
    setting: str
    text: str

    def __str__(self) -> str:
        subject = f"{self.setting}: " if self.setting else ""
        return f"{self.where}: {subject}{self.text}" if self.where else f"{subject}{self.text}"


def describe(
    error: ValidationError, raw: Mapping[str, Any], lines: Mapping[Path, int], origins: Mapping[Path, str]
) -> list[Problem]:
    """Turn pydantic's errors into Problems, in the order of the file, one for each setting.

    Args:
        error: Of `Config.model_validate(raw)`.
        raw: The document with its overrides.
        lines: Of the document.
        origins: Paths that did not come from the document, and from where they did.
    """
    texts: dict[Path, list[str]] = {}
    for detail in error.errors(include_url=False):
        path = _path_of(detail, raw)
        if detail["type"] == "too_short" and detail["input"]:
            continue  # its entries are wrong, which is said for each of them
        text = _text_of(detail, Shape(Config).down(detail["loc"][:-1]))
        if text not in texts.setdefault(path, []):
            texts[path].append(text)
    ordered = sorted(texts, key=lambda path: (_line_of(path, lines) or 0, show_path(path)))
    return [Problem(_where(path, lines, origins), show_path(path), _joined(texts[path])) for path in ordered]


def _path_of(detail: ErrorDetails, raw: Mapping[str, Any]) -> Path:
    """Pydantic's location without the names of alternatives, which the user never wrote."""
    path: Path = ()
    node: Any = raw
    for index, part in enumerate(detail["loc"]):
        is_there = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if is_there:
            node = node[part]
            path = (*path, part)
        elif detail["type"] == "missing" and index == len(detail["loc"]) - 1:
            path = (*path, part)
    if detail["type"].startswith("union_tag"):
        path = (*path, "source")
    return path


def _text_of(detail: ErrorDetails, parent: Shape) -> str:
    kind, name, found = detail["type"], str(detail["loc"][-1]) if detail["loc"] else "", _found(detail)
    message = _worded(detail["msg"])
    if kind == "missing":
        return f"is missing; add {_EXAMPLES.get(name, 'it')}"
    if kind == "extra_forbidden":
        return f"is not a setting{_meant(name, parent.keys)}; known here: {', '.join(parent.keys)}"
    if kind == "union_tag_not_found":
        return f"is missing; {_SOURCES}"
    if kind == "union_tag_invalid":
        return f"found {_shown(detail['ctx']['tag'])}; {_SOURCES}"
    if kind == "too_short":
        return "is empty; should have at least one entry"
    if kind == "string_pattern_mismatch":
        return f"{found}{_NAME_RULE}"
    if kind in ("literal_error", "enum"):
        choices = str(detail["ctx"]["expected"]).split("'")[1::2]
        return f"{found}{message}{_meant(str(detail['input']), choices)}"
    return f"{found}{message}"


def _worded(message: str) -> str:
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _found(detail: ErrorDetails) -> str:
    """Empty for a table, whose content would only hide what its rule says, and where the rule names the value."""
    value = detail["input"]
    is_said = isinstance(value, dict) or (detail["type"] == "value_error" and repr(value) in detail["msg"])
    return "" if is_said else f"found {_shown(value)}; "


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{inert(value, _VALUE_CHARS)}"' if isinstance(value, str) else inert(repr(value), _VALUE_CHARS)


def _meant(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _joined(texts: list[str]) -> str:
    """Alternatives that failed for the same value: what was found once, then each thing that would be right."""
    first, *rest = texts
    return " or ".join([first, *(text.rpartition("; ")[2].removeprefix("should be ") for text in rest)])


def _line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def _where(path: Path, lines: Mapping[Path, int], origins: Mapping[Path, str]) -> str:
    for end in range(len(path), 0, -1):
        if path[:end] in origins:
            return origins[path[:end]]
    line = _line_of(path, lines)
    return f"line {line}" if line is not None else ""
