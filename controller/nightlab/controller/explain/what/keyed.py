"""TOML, YAML and JSON: read as values, compared by key. Bounded: what does not fit is left to `lines`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

from nightlab.controller.explain.what.notes import Note, Rank
from nightlab.controller.explain.what.shown import clipped, pair

MOST_READ: Final = 2 * 2**20
MOST_VALUES: Final = 50_000
MOST_YAML: Final = 128 * 1024
DEEPEST: Final = 100


class TooLarge(ValueError):
    """A file holds more than is read by key."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc, unused-ignore]
    """Knows no tag beyond YAML's own: others are values of their own, made of tag and content."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        content: Any = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        content = loader.construct_sequence(node, deep=True)
    else:
        content = loader.construct_scalar(node)
    return {f"!{suffix}": content}


_Loader.add_multi_constructor("!", _tagged)
_Loader.add_multi_constructor("tag:", _tagged)


def kind_of(path: str) -> str:
    """Return "toml", "yaml", "json" or an empty string."""
    ending = path.rpartition(".")[2].lower()
    return {"toml": "toml", "yaml": "yaml", "yml": "yaml", "json": "json"}.get(ending, "")


def read(kind: str, content: bytes) -> Any:
    """Read a file as a value.

    Raises:
        TooLarge: It holds too much.
        ValueError: It is not of that kind, or nested too deeply.
    """
    if len(content) > (MOST_YAML if kind == "yaml" else MOST_READ):
        raise TooLarge("too large to be read by key")
    try:
        value = _READERS[kind](content.decode("utf-8-sig"))
    except (yaml.YAMLError, RecursionError, TypeError, AttributeError, OverflowError, KeyError) as error:
        raise ValueError(_problem(error)) from error
    if sum(1 for _ in words(value)) > MOST_VALUES:
        raise TooLarge("too many values to be read by key")
    return value


def _problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error) or type(error).__name__
    return f"{str(what)[:100]}, line {mark.line + 1}" if mark is not None else str(what)[:100]


def _yaml(text: str) -> Any:
    loader = _Loader(text)
    try:
        documents = []
        while loader.check_data():
            documents.append(loader.get_data())
    finally:
        loader.dispose()
    return documents[0] if len(documents) == 1 else {"documents": documents}


_READERS: Final[dict[str, Callable[[str], Any]]] = {"toml": tomllib.loads, "json": json.loads, "yaml": _yaml}


def words(value: Any) -> Iterator[str]:
    """Yield a value as words that are equal for equal values of equal types, in order; endless ones are cut."""
    stack: list[Any] = [value]
    told = 0
    while stack:
        item = stack.pop()
        told += 1
        if told > MOST_VALUES + 1:
            return
        if isinstance(item, dict):
            yield f"{{{len(item)}"
            stack.extend(part for pair in reversed(item.items()) for part in reversed(pair))
        elif isinstance(item, list | tuple):
            yield f"[{len(item)}"
            stack.extend(reversed(item))
        elif isinstance(item, set):
            yield f"set:{sorted(map(repr, item))}"
        else:
            yield f"int:{item:x}" if type(item) is int else f"{type(item).__name__}:{item!r}"


def keyed_notes(old: Any, new: Any, text: str) -> list[Note]:
    """Note how two values differ, key by key.

    Args:
        old: Earlier value.
        new: Later value.
        text: The later file, for the lines of keys.
    """
    notes: list[Note] = []
    _compare(old, new, (), notes, text.splitlines())
    return notes


def _compare(old: Any, new: Any, path: tuple[str, ...], notes: list[Note], lines: list[str]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _dicts(old, new, path, notes, lines)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            _compare(one, other, (*path, f"[{index}]"), notes, lines)
    elif [*words(old)] != [*words(new)]:
        one, other = pair(_shown(old), _shown(new))
        notes.append(Note(Rank.VALUE, _line(path, lines), f"{_name(path)} {one} -> {other}"))


def _dicts(
    old: dict[Any, Any], new: dict[Any, Any], path: tuple[str, ...], notes: list[Note], lines: list[str]
) -> None:
    before = len(notes)
    for key, value in new.items():
        here = (*path, str(key))
        if key not in old:
            notes.append(Note(Rank.BEHAVIOUR, _line(here, lines), f"{_name(here)} added: {clipped(_shown(value))}"))
        elif len(path) < DEEPEST:
            _compare(old[key], value, here, notes, lines)
    for key, value in old.items():
        if key not in new:
            here = (*path, str(key))
            notes.append(Note(Rank.BEHAVIOUR, None, f"{_name(here)} removed (was {clipped(_shown(value))})"))
    if [*old] != [*new] and len(notes) == before:
        notes.append(Note(Rank.ORDER, _line(path, lines), f"keys of {_name(path)} in another order, same values"))


def _name(path: tuple[str, ...]) -> str:
    return f"`{clipped('.'.join(path).replace('.[', '['), 80)}`" if path else "the file"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        count = sum(1 for _ in words(value))
        if count > 20:
            return f"{len(value)} {'keys' if isinstance(value, dict) else 'items'}"
    if type(value) is int and value.bit_length() > 256:
        return f"an integer of {value.bit_length():,} bits"
    plain = {True: "true", False: "false", None: "null"}
    return plain[value] if value is None or isinstance(value, bool) else repr(value)


def _line(path: tuple[str, ...], lines: list[str]) -> int | None:
    """Find a key's line: each part of its path below the part before."""
    at = -1
    for part in (part for part in path if not part.startswith("[")):
        pattern = re.compile(
            rf"""^\s*(?:-\s+)?\[*[\w."'-]*["'.]?{re.escape(part)}["']?\s*(?:[:=\].]|$)|["']{re.escape(part)}["']\s*:"""
        )
        found = next((index for index in range(max(at, 0), len(lines)) if pattern.search(lines[index])), None)
        if found is None:
            return at + 1 if at >= 0 else None
        at = found
    return at + 1 if at >= 0 else None
