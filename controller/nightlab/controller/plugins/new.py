"""Writes the project of a new plugin: a package with an action, its tests, a Dockerfile; all of it works as it is."""

from __future__ import annotations

import keyword
import re
import sys
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import jinja2

from nightlab.controller.actions.registry import BUILT_IN
from nightlab.controller.errors import ConfigError

TEMPLATE: Final = resources.files("nightlab.controller.plugins") / "template"
NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_CHARACTERS: Final = 48
_SUFFIX: Final = ".j2"


def new_plugin(name: str, folder: Path) -> tuple[Path, ...]:
    """Write a project; nothing is overwritten.

    Args:
        name: Of the plugin and of its distribution: small letters, digits and single hyphens.
        folder: Of the project, new or empty.

    Returns:
        The files, in the order of their names.

    Raises:
        ConfigError: The name cannot be used, the folder has something in it, or it cannot be written.
    """
    package = _package(name)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} is there already, and not an empty folder", hint="name another folder")
        return tuple(sorted(_write(TEMPLATE, folder, name, package)))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be written: {error.strerror}") from error


def _package(name: str) -> str:
    if not NAME.fullmatch(name) or len(name) > NAME_CHARACTERS:
        raise ConfigError(
            f"{name!r} is no name for a plugin",
            hint=f"small letters, digits and single hyphens, a letter first, at most {NAME_CHARACTERS}: warm-start",
        )
    package = name.replace("-", "_")
    if name in BUILT_IN or name == "nightlab":
        raise ConfigError(f"{name!r} is a name of nightlab's own", hint="choose another one")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names:
        raise ConfigError(f"{name!r} is a name of Python's own", hint="choose another one, such as my-" + name)
    return package


def _write(source: Traversable, target: Path, name: str, package: str) -> list[Path]:
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for each in source.iterdir():
        if each.is_dir():
            inner = target / each.name / package if each.name == "src" else target / each.name
            written += _write(each, inner, name, package)
        elif each.name.endswith(_SUFFIX):
            path = target / _named(each.name.removesuffix(_SUFFIX))
            path.write_text(_rendered(each.read_text(encoding="utf-8"), name, package), encoding="utf-8")
            written.append(path)
    return written


def _named(name: str) -> str:
    return ".gitignore" if name == "gitignore" else name


def _rendered(text: str, name: str, package: str) -> str:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - no HTML
    return environment.from_string(text).render(name=name, package=package)
