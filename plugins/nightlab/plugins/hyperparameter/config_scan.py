"""Finds the scalars of TOML, YAML and JSON files with their exact places, by key.

TOML is scanned by line and each find is confirmed by tomllib; YAML gives positions itself; JSON has a small scanner.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import yaml

from nightlab.plugins.hyperparameter.found import number_kind
from nightlab.plugins.hyperparameter.literals import Literal, Value, kind_of, with_unique_names
from nightlab.plugins.hyperparameter.source import Unreadable

SUFFIXES: Final = (".toml", ".yaml", ".yml", ".json")
MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 40
MAX_SCALARS: Final = 2000
Path = tuple[str | int, ...]
_TOML_TABLE: Final = re.compile(r"[ \t]*\[(?P<array>\[)?(?P<key>[^\[\]\n]+)\]{1,2}[ \t]*(?:#.*)?$")
_TOML_PAIR: Final = re.compile(
    r"[ \t]*(?P<key>(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')(?:[ \t]*\.[ \t]*[\w\"'-]+)*)[ \t]*=[ \t]*"
)
_TOML_SCALAR: Final = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s,#\[\]{}\"']+")
_JSON_LEXEME: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|[-+0-9.eE]+|true|false|null|[\[\]{},:]')
_YAML_BOOL: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class _Scalar:
    path: Path
    value: Value
    start: int  # in characters
    end: int


def scan_config(path: str, content: bytes) -> list[Literal]:
    """List the scalars of a config file in source order.

    Raises:
        Unreadable: It is not what its name says, or too large.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(f"has {len(content)} bytes, more than a config file has")
    try:
        text = content.decode()
        scalars = list(islice(_scanner(path)(text), MAX_SCALARS + 1))
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8: {error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"cannot be read: {' '.join(str(error).split())[:200]}") from error
    if len(scalars) > MAX_SCALARS:
        raise Unreadable(f"has more than {MAX_SCALARS} values: it holds data, not settings")
    return with_unique_names(filter(None, (_literal(path, text, each) for each in scalars)))


def _scanner(path: str) -> Any:
    if path.endswith(".toml"):
        return _toml
    return _json if path.endswith(".json") else _yaml


def _literal(path: str, text: str, scalar: _Scalar) -> Literal | None:
    keys = [part for part in scalar.path if isinstance(part, str)]
    kind = kind_of(scalar.value)
    if not keys or kind is None or (isinstance(scalar.value, str) and len(scalar.value) > 64):
        return None
    if isinstance(scalar.value, str):
        kind = number_kind(scalar.value) or kind
    if kind == "string" and isinstance(scalar.path[-1], int):
        return None  # a list of words is no setting
    start = len(text[: scalar.start].encode())
    written = text[scalar.start : scalar.end]
    return Literal(
        path=path,
        name=_name(scalar.path),
        form="config",
        kind=kind,
        value=scalar.value,
        text=written,
        start=start,
        end=start + len(written.encode()),
        line=text.count("\n", 0, scalar.start) + 1,
        word=keys[-1],
        context=tuple(keys[:-1]),
    )


def _name(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _toml(text: str) -> Iterator[_Scalar]:
    document = tomllib.loads(text)
    table: Path = ()
    arrays: dict[Path, int] = {}
    for line in re.finditer(r"[^\n]*\n?", text):
        header = _TOML_TABLE.match(line[0].rstrip("\r\n"))
        pair = _TOML_PAIR.match(line[0])
        if header is not None:
            table = _toml_key(header["key"])
            if header["array"]:
                arrays[table] = arrays.get(table, -1) + 1
                table = (*table, arrays[table])
        elif pair is not None:
            key = (*table, *_toml_key(pair["key"]))
            yield from _toml_values(document, key, text, line.start() + pair.end(), line.end())


def _toml_values(document: Any, key: Path, text: str, start: int, end: int) -> Iterator[_Scalar]:
    is_list = text.startswith("[", start) and "]" in text[start:end]
    close = text.index("]", start) if is_list else end
    for index, match in enumerate(_TOML_SCALAR.finditer(text, start + is_list, close)):
        path = (*key, index) if is_list else key
        value = _at(document, path)
        if value is not None and value == _toml_value(match[0]):
            yield _Scalar(path, value, match.start(), match.end())
        if not is_list:
            return


def _toml_key(key: str) -> Path:
    try:
        value: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ("?",)  # a line inside a multi-line string; nothing is found under it
    path: list[str] = []
    while isinstance(value, dict):
        part, value = next(iter(value.items()))
        path.append(part)
    return tuple(path)


def _toml_value(text: str) -> Value | None:
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return None
    return value if isinstance(value, bool | int | float | str) else None


def _at(document: Any, path: Path) -> Value | None:
    value = document
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value if isinstance(value, bool | int | float | str) else None


def _yaml(text: str) -> Iterator[_Scalar]:
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark")
    documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    if len(documents) == 1 and documents[0] is not None:
        yield from _yaml_node(documents[0], (), text, set())


def _yaml_node(node: yaml.Node, path: Path, text: str, seen: set[int]) -> Iterator[_Scalar]:
    if id(node) in seen or len(path) > MAX_DEPTH:
        return  # an alias: the anchor's place is the one that counts
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield from _yaml_node(value, (*path, str(key.value)), text, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _yaml_node(value, (*path, index), text, seen)
    elif isinstance(node, yaml.ScalarNode) and node.style in (None, "'", '"'):
        value = _yaml_value(node)
        start, end = node.start_mark.index, node.end_mark.index
        if value is not None and "\n" not in text[start:end]:
            yield _Scalar(path, value, start, end)


def _yaml_value(node: yaml.ScalarNode) -> Value | None:
    """Read a scalar; a plain 1e-4, which YAML 1.1 takes for text and YAML 1.2 for a number, is a number."""
    text = str(node.value)
    if node.style is not None or node.tag.endswith(":str"):
        plain_number = node.style is None and number_kind(text) is not None
        return float(text) if plain_number and not text.lstrip("+-").isdigit() else text
    if node.tag.endswith(":bool"):
        return _YAML_BOOL.get(text.lower())
    if node.tag.endswith((":int", ":float")):
        kind = number_kind(text)
        return None if kind is None else int(text) if kind == "integer" and node.tag.endswith(":int") else float(text)
    return None


def _json(text: str) -> Iterator[_Scalar]:
    json.loads(text)
    path: list[str | int] = []
    key_next = False
    for match in _JSON_LEXEME.finditer(text):
        lexeme = match[0]
        if lexeme in "{[":
            path.append("" if lexeme == "{" else 0)
            key_next = lexeme == "{"
        elif lexeme in "}]":
            path.pop()
            key_next = False
        elif lexeme == ",":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else last
            key_next = isinstance(last, str)
        elif lexeme == ":":
            key_next = False
        elif key_next:
            path[-1] = json.loads(lexeme)
        else:
            value = json.loads(lexeme)
            if isinstance(value, bool | int | float | str):
                yield _Scalar(tuple(path), value, match.start(), match.end())
