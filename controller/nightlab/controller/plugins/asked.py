"""What a plugin asks for before any of its code runs: a request that a person reads, never a grant."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.plugin import Plugin
from nightlab.controller.text import inert

FILE_NAME: Final = "nightlab-plugin.toml"
FILE_BYTES: Final = 64 * 1024
MOST_GLOBS: Final = 50
GLOB_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """Globs that a plugin asks for.

    Attributes:
        reads: Files that it wants to see.
        writes: Files that it wants to change.
        is_known: Whether it says so at all.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    is_known: bool = False


def from_toml(text: str) -> Asked:
    """Read a package's nightlab-plugin.toml: `reads` and `writes`, lists of globs. What is not that, asks for nothing.

    It is somebody else's text: what cannot be read is as good as not there.
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return Asked()
    return Asked(_globs(table.get("reads")), _globs(table.get("writes")), is_known=True)


def from_labels(reads: str | None, writes: str | None) -> Asked:
    """Read an image's labels: JSON lists, or globs with spaces between them."""
    return Asked(_label(reads), _label(writes), is_known=reads is not None or writes is not None)


def table_of(name: str, origin: tuple[str, str], asked: Asked) -> str:
    """Write the table that enables a plugin with all that it asks for, to be pasted into nightlab.toml.

    Args:
        name: Of the plugin.
        origin: "package" or "image", and its value.
        asked: What to grant.
    """
    lines = [f"[plugins.{name}]", f"{origin[0]} = {_quoted(origin[1])}"]
    unknown = "" if asked.is_known else "  # it does not say what it needs"
    for key, globs in (("reads", asked.reads), ("writes", asked.writes)):
        lines.append(f"{key} = [{', '.join(map(_quoted, globs))}]{unknown}")
    return "\n".join(lines)


def granted(table: Plugin) -> Asked:
    """Return what a table grants, in the same shape."""
    return Asked(table.reads, table.writes, is_known=True)


def _label(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text.split()
    return _globs(value)


def _globs(value: object) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | dict):
        return ()
    words = [each for each in value if isinstance(each, str) and each]
    return tuple(inert(each, GLOB_CHARS) for each in words[:MOST_GLOBS])


def _quoted(text: str) -> str:
    return json.dumps(inert(text, GLOB_CHARS), ensure_ascii=False)
