"""nightlab.lock beside nightlab.toml: what a person has accepted of each plugin that is not nightlab's own.

One JSON file, sorted and in lines, so that a change of it can be read in a review. It holds texts of plugins, made
inert, and a digest of each action as the plugin said it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nightlab.api.params import load_object
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.errors import ConfigError
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.text import inert

FILE_NAME: Final = "nightlab.lock"
FORMAT: Final = 1
MOST_BYTES: Final = 64 * 2**20
TEXT_CHARS: Final = 4096
DIFF_LINES: Final = 200
_DIRECTIONS: Final = {pb.DIRECTION_DOWN: "down", pb.DIRECTION_UP: "up"}
Pin = Mapping[str, Any]
"""What is accepted of one plugin: kind, version, digest and actions, ready for JSON."""


class Lock:
    """The file of one repo."""

    def __init__(self, folder: Path) -> None:
        """Read it, if it is there.

        Args:
            folder: Where nightlab.toml lies.

        Raises:
            ConfigError: It cannot be read.
        """
        self.path = folder / FILE_NAME
        self._pins = _read(self.path)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the plugins that are pinned."""
        return tuple(self._pins)

    def of(self, plugin: str) -> Pin | None:
        """Return what is accepted of a plugin; None: nothing yet."""
        return self._pins.get(plugin)

    def accept(self, pins: Mapping[str, Pin], *, drop: Sequence[str] = ()) -> None:
        """Pin plugins, forget others, and write the file.

        Raises:
            ConfigError: It cannot be written.
        """
        kept = {name: pin for name, pin in self._pins.items() if name not in drop}
        self._pins = dict(sorted({**kept, **pins}.items()))
        text = json.dumps({"lock": FORMAT, "plugins": self._pins}, indent=2, sort_keys=True, allow_nan=False)
        beside = self.path.with_name(f".{FILE_NAME}.{os.getpid()}")
        try:
            beside.write_text(f"{text}\n", encoding="utf-8")
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise ConfigError(f"{str(self.path)!r} cannot be written: {error.strerror}") from error


def pin_of(source: PluginSource, actions: Sequence[pb.Action]) -> Pin:
    """Write down a plugin as it is now."""
    return {
        "kind": source.kind,
        "version": inert(source.version, 60),
        "digest": source.digest,
        "actions": {inert(action.name, 60): _pin_of_action(action) for action in actions},
    }


def difference(plugin: str, accepted: Pin | None, now: Pin) -> str:
    """Show how a plugin differs from what is accepted, as a unified diff; empty if it does not. Inert."""
    if accepted == now:
        return ""
    before = [] if accepted is None else _lines(accepted)
    told = difflib.unified_diff(before, _lines(now), f"{plugin} in {FILE_NAME}", f"{plugin} now", lineterm="", n=2)
    lines = [inert(line, 400) for line in told]
    more = [f"... ({len(lines) - DIFF_LINES} more lines)"] if len(lines) > DIFF_LINES else []
    return "\n".join([*lines[:DIFF_LINES], *more])


def _pin_of_action(action: pb.Action) -> dict[str, Any]:
    raw = action.SerializeToString(deterministic=True)
    return {
        "digest": hashlib.sha256(raw).hexdigest(),
        "title": inert(action.title, 200),
        "description": [inert(line, TEXT_CHARS) for line in action.description[:TEXT_CHARS].splitlines()],
        "schema": _schema(action.parameters_schema),
        "reads": sorted(inert(glob, 200) for glob in action.reads),
        "writes": sorted(inert(glob, 200) for glob in action.writes),
        "effects": sorted(_effects(action)),
    }


def _schema(text: str) -> object:
    try:
        return load_object(text)
    except ValueError:
        return inert(text, TEXT_CHARS)


def _effects(action: pb.Action) -> Iterator[str]:
    for effect in action.effects:
        yield f"{inert(effect.quantity, 60)} {_DIRECTIONS.get(effect.direction, 'somewhere')}"


def _lines(pin: Pin) -> list[str]:
    return json.dumps(pin, indent=2, sort_keys=True).splitlines()


def _read(path: Path) -> dict[str, Pin]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    try:
        table = json.loads(content) if len(content) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict) or table.get("lock") != FORMAT or not _are_pins(table.get("plugins")):
        raise ConfigError(
            f"{str(path)!r} is no lock of this nightlab",
            hint="take it from your version control again, or remove it and run `nightlab plugin lock`",
        )
    return dict(table["plugins"])


def _are_pins(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(pin, dict) and isinstance(pin.get("actions"), dict) and isinstance(pin.get("digest"), str)
        for pin in value.values()
    )
