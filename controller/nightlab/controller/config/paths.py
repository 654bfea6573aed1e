"""Names of settings: their dotted form, the line of nightlab.toml that has them, and what may stand where.

A path is a tuple of table keys and list indices: ("objectives", 0, "name") is written objectives[0].name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Path = tuple[str | int, ...]

_KEY: Final = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_PART: Final = re.compile(rf"\s*(?:\.?\s*(?P<key>{_KEY})|\[(?P<index>\d+)\])\s*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def show_path(path: Iterable[str | int]) -> str:
    """Write a path for a person."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            name = part if _BARE.fullmatch(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
            shown += f".{name}" if shown else name
    return shown


def split_assignment(text: str) -> tuple[Path, str] | None:
    """Split "train.timeout = 90s" into its path and what stands right of the '='; None if it is no assignment."""
    path, rest = _leading_path(text)
    return (path, rest[1:]) if path and rest.startswith("=") else None


def _leading_path(text: str) -> tuple[Path, str]:
    """Read a path from the start of a text; return it with what follows."""
    parts: list[str | int] = []
    position = 0
    while (match := _PART.match(text, position)) is not None:
        parts.append(_unquoted(match["key"]) if match["key"] is not None else int(match["index"]))
        position = match.end()
    return tuple(parts), text[position:]


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    try:
        return next(iter(tomllib.loads(f"{key} = 0")))
    except tomllib.TOMLDecodeError:
        return key[1:-1]


def lines_of(text: str) -> dict[Path, int]:
    """Find the line, from 1, of every table and every key of a valid TOML document."""
    return _Locator(text.replace("\r\n", "\n").split("\n")).found


class _Locator:
    """Walks a document statement by statement; a statement is complete when it parses."""

    def __init__(self, lines: list[str]) -> None:
        self.found: dict[Path, int] = {}
        self._lines = lines
        self._counts: dict[Path, int] = {}
        self._table: Path = ()
        number = 0
        while number < len(lines):
            line = lines[number].strip()
            if line.startswith("["):
                self._header(line, number + 1)
                number += 1
            elif line and not line.startswith("#"):
                number += self._assignment(number)
            else:
                number += 1

    def _header(self, line: str, number: int) -> None:
        is_array = line.startswith("[[")
        path = self._resolved(_leading_path(line.lstrip("["))[0], is_array=is_array)
        if is_array:
            self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, self._counts[path] - 1)
        self._table = path
        self._note(path, 1, number)

    def _assignment(self, start: int) -> int:
        split = split_assignment(self._lines[start])
        if split is not None:
            self._note((*self._table, *split[0]), len(self._table) + 1, start + 1)
        for end in range(start + 1, len(self._lines) + 1):
            if _is_complete("\n".join(self._lines[start:end])):
                return end - start
        return 1

    def _note(self, path: Path, shortest: int, number: int) -> None:
        """A table may first be named by what is in it."""
        for length in range(shortest, len(path) + 1):
            self.found.setdefault(path[:length], number)

    def _resolved(self, keys: Path, *, is_array: bool) -> Path:
        """[a.b] below [[a]] is part of the last a."""
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            if path in self._counts and not (is_array and index == len(keys) - 1):
                path = (*path, self._counts[path] - 1)
        return path


def _is_complete(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


class Shape:
    """What may stand at a path below a model: its known keys, or anything.

    Args:
        kinds: The types that a value there may have.
    """

    def __init__(self, *kinds: Any) -> None:
        self._kinds = [kind for each in kinds for kind in _alternatives(each)]

    @property
    def _models(self) -> list[type[BaseModel]]:
        return [kind for kind in self._kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]

    @property
    def keys(self) -> list[str]:
        """Known keys, in the order of the schema; empty where there are none or any will do."""
        return list(dict.fromkeys(name for model in self._models for name in model.model_fields))

    @property
    def is_free_table(self) -> bool:
        """Whether keys are the user's to choose."""
        return any(get_origin(kind) is dict for kind in self._kinds)

    def at(self, part: str | int) -> Shape:
        """Go one step down. A part that is no key chooses among alternatives by their `source`."""
        inner = [model.model_fields[part].annotation for model in self._models if part in model.model_fields]
        for kind in self._kinds:
            arguments = get_args(kind)
            if get_origin(kind) is dict or (get_origin(kind) is tuple and isinstance(part, int)):
                inner.append(arguments[1] if get_origin(kind) is dict else arguments[0])
        if inner:
            return Shape(*inner)
        tagged = [model for model in self._models if part in _tags(model)]
        return Shape(*(tagged or self._kinds))

    def down(self, path: Iterable[str | int]) -> Shape:
        """Go several steps down."""
        shape = self
        for part in path:
            shape = shape.at(part)
        return shape


def _alternatives(kind: Any) -> list[Any]:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return [inner for each in get_args(kind) for inner in _alternatives(each)]
    if origin is not None and hasattr(kind, "__metadata__"):
        return _alternatives(get_args(kind)[0])
    return [kind]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    source = model.model_fields.get("source")
    return get_args(source.annotation) if source is not None and get_origin(source.annotation) is Literal else ()
