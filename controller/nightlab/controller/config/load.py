"""Reads nightlab.toml, what overrides it, and says everything that is wrong with them at once.

What settings there are belongs to `schema`; how errors are worded to `problems`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from nightlab.controller.config.paths import Path as SettingPath
from nightlab.controller.config.paths import Shape, lines_of, show_path, split_assignment
from nightlab.controller.config.problems import Problem, describe
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError
from nightlab.controller.text import inert

FILE_NAME: Final = "nightlab.toml"
ENV_PREFIX: Final = "NIGHTLAB__"
MAX_BYTES: Final = 1024 * 1024
_NO_ENV: Final[Mapping[str, str]] = MappingProxyType({})


def load_config(path: Path, *, overrides: Sequence[str] = (), env: Mapping[str, str] = _NO_ENV) -> Config:
    """Read a config file and what overrides it.

    An override wins over the environment, and the environment over the file.

    Args:
        path: The file, or the repo that has it as nightlab.toml.
        overrides: "train.timeout=90s", "objectives[0].direction=maximize", 'train.outputs=["out/**"]'. The value is
            TOML if it starts with a bracket, brace or quote, else text that is read as the setting's type.
        env: Variables such as NIGHTLAB__TRAIN__TIMEOUT=90s; others are passed over.

    Raises:
        ConfigError: Anything is wrong; the text lists every setting with its line, what was found and what would be
            right.
    """
    file = path / FILE_NAME if path.is_dir() else path
    return parse_config(_read(file), name=file.name, overrides=overrides, env=env)


def parse_config(
    text: str, *, name: str = FILE_NAME, overrides: Sequence[str] = (), env: Mapping[str, str] = _NO_ENV
) -> Config:
    """Read a config's text, as `load_config` does.

    Args:
        text: TOML.
        name: What to call it in errors.
        overrides: As for `load_config`.
        env: As for `load_config`.

    Raises:
        ConfigError: Anything is wrong.
    """
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{name} is not TOML: {inert(str(error), 300)}") from error
    origins: dict[SettingPath, str] = {}
    problems = [
        problem
        for label, path, value in [*_from_env(env), *_from_overrides(overrides)]
        if (problem := _assign(raw, label, path, value, origins)) is not None
    ]
    return _validated(raw, lines_of(text), origins, problems, name)


def _validated(
    raw: dict[str, Any],
    lines: Mapping[SettingPath, int],
    origins: Mapping[SettingPath, str],
    problems: list[Problem],
    name: str,
) -> Config:
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        problems = [*problems, *describe(error, raw, lines, origins)]
    else:
        if not problems:
            return config
    count = "one setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    listed = "\n".join(f"  {problem}" for problem in problems)
    raise ConfigError(f"{name}: {count} wrong, so nothing was started\n{listed}")


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {str(file)!r}; `nightlab init {file.parent!s}` looks at the repo and writes one"
        ) from None
    except OSError as error:
        raise ConfigError(f"{str(file)!r} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{str(file)!r} is larger than 1 MiB, which no config is; name the right file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{str(file)!r} is not UTF-8 in line {line}; save it as UTF-8") from error


def _from_env(env: Mapping[str, str]) -> list[tuple[str, SettingPath | None, str]]:
    """Variables are upper case; table keys that the user chose (train.env) keep their case."""
    found: list[tuple[str, SettingPath | None, str]] = []
    for name in sorted(env):
        if not name.upper().startswith(ENV_PREFIX):
            continue
        shape, path = Shape(Config), []
        for part in name[len(ENV_PREFIX) :].split("__"):
            step: str | int = part if shape.is_free_table else int(part) if part.isdigit() else part.lower()
            path.append(step)
            shape = shape.at(step)
        found.append((name, tuple(path) if all(part != "" for part in path) else None, env[name]))
    return found


def _from_overrides(overrides: Sequence[str]) -> list[tuple[str, SettingPath | None, str]]:
    found: list[tuple[str, SettingPath | None, str]] = []
    for text in overrides:
        split = split_assignment(text)
        if split is None:
            found.append((f"override {inert(text, 80)!r}", None, ""))
        else:
            found.append(("override", split[0], split[1].strip()))
    return found


def _assign(
    raw: dict[str, Any], label: str, path: SettingPath | None, text: str, origins: dict[SettingPath, str]
) -> Problem | None:
    """Put one override into the document; a Problem if it cannot be put there."""
    if path is None:
        return Problem(label, "", "is not an assignment; write a setting and its value, such as train.timeout=90s")
    try:
        value = tomllib.loads(f"value = {text}")["value"] if text[:1] in tuple("[{\"'") and text else text
    except tomllib.TOMLDecodeError as error:
        return Problem(label, show_path(path), f"found {inert(text, 80)}, which is not a TOML value: {error}")
    node: Any = raw
    for depth, part in enumerate(path[:-1], 1):
        if isinstance(node, dict) and part not in node:
            node[part] = {}
            origins[path[:depth]] = label
        node = _child(node, part)
    if not _takes(node, path[-1]):
        return Problem(label, show_path(path), "is not there to be changed; add it to the file")
    node[path[-1]] = value
    origins[path] = label
    return None


def _child(node: Any, part: str | int) -> Any:
    """What is inside; None if that is nothing which holds settings."""
    try:
        child = node[part]
    except (KeyError, IndexError, TypeError):
        return None
    return child if isinstance(child, dict | list) else None


def _takes(node: Any, part: str | int) -> bool:
    if isinstance(part, str):
        return isinstance(node, dict)
    return isinstance(node, list) and part < len(node)
