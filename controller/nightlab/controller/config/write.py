"""Writes a nightlab.toml that explains itself: every value with the reason for it as a comment above."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Final

import tomlkit
from tomlkit.items import AoT, InlineTable, Item, Table

from nightlab.controller.config.paths import Path, show_path
from nightlab.controller.text import inert

_COMMENT_WIDTH: Final = 100
_INLINE_KEYS: Final = 4


def render_config(config: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """Write a config as TOML that reads back equal.

    Args:
        config: Tables, lists and plain values, as `Config` takes them. None stands for a default and is left out.
        comments: Reasons by dotted setting ("train.timeout", "objectives[0].measure"); "" is the file's head. Long
            ones are wrapped; what does not print in them is escaped.

    Returns:
        The text, with a line end at its end.
    """
    document = tomlkit.document()
    for line in _comment_lines(comments.get("", "")):
        document.add(tomlkit.comment(line))
    _fill(document, config, (), comments)
    return tomlkit.dumps(document).strip("\n") + "\n"


def _fill(target: Any, values: Mapping[str, Any], path: Path, comments: Mapping[str, str]) -> None:
    """Add plain values first: what follows a table's header would belong to that table."""
    present = {key: value for key, value in values.items() if value is not None}
    tables = {key: value for key, value in present.items() if _is_table(value, (*path, key), comments)}
    for key, value in present.items():
        if key not in tables:
            _explain(target, comments.get(show_path((*path, key)), ""))
            target.add(key, _item(value))
    for key, value in tables.items():
        _add_table(target, key, value, (*path, key), comments)


def _add_table(target: Any, key: str, value: Any, path: Path, comments: Mapping[str, str]) -> None:
    if isinstance(value, Mapping):
        target.add(key, _table(value, path, comments))
        return
    array: AoT = tomlkit.aot()
    for index, each in enumerate(value):
        array.append(_table(each, (*path, index), comments))
    target.add(key, array)


def _table(values: Mapping[str, Any], path: Path, comments: Mapping[str, str]) -> Table:
    table = tomlkit.table()
    for line in _comment_lines(comments.get(show_path(path), "")):
        table.add(tomlkit.comment(line))
    _fill(table, values, path, comments)
    return table


def _is_table(value: Any, path: Path, comments: Mapping[str, str]) -> bool:
    """Small inner tables stand on one line, unless a key of theirs has a reason of its own."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(each, Mapping) for each in value) and len(path) == 1
    if not isinstance(value, Mapping):
        return False
    is_plain = not any(isinstance(inner, Mapping) for inner in value.values())
    is_explained = any(name.startswith(f"{show_path(path)}.") for name in comments)
    return len(path) == 1 or not is_plain or is_explained or len(value) > _INLINE_KEYS


def _explain(target: Any, reason: str) -> None:
    lines = _comment_lines(reason)
    if lines and len(target):
        target.add(tomlkit.nl())
    for line in lines:
        target.add(tomlkit.comment(line))


def _comment_lines(reason: str) -> list[str]:
    return [line for each in reason.splitlines() for line in _wrapped(inert(each, 2000))]


def _wrapped(line: str) -> list[str]:
    """Wrap a line; what goes on stands deeper than an item of a list."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, _COMMENT_WIDTH, subsequent_indent=indent * 2, break_on_hyphens=False) or [""]


def _item(value: Any) -> Item:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        inline: InlineTable = tomlkit.inline_table()
        for key, inner in value.items():
            if inner is not None:
                inline.append(key, _item(inner))
        return inline
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        for inner in value:
            array.append(_item(inner))
        return array
    item: Item = tomlkit.item(value)
    return item


def _string(value: str) -> Item:
    """A regular expression reads best without doubled backslashes."""
    is_literal = "\\" in value and "'" not in value and value.isprintable()
    return tomlkit.string(value, literal=is_literal)
