"""What is asked of the explaining worker and what it makes: files, wanted fixes, made fixes. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from nightlab.controller.model.change import Effect, FileChange

Files = Mapping[str, bytes]
Modes = Mapping[str, tuple[int | None, int | None]]
# Where linters and formatters are told what to do; in the repo it is data for a replay, never obeyed.
TOOL_CONFIGS: Final = frozenset(
    {"pyproject.toml", "ruff.toml", ".ruff.toml", "setup.cfg", "tox.ini", ".isort.cfg", ".editorconfig", ".flake8"}
)


def tool_configs(paths: Iterable[str]) -> tuple[str, ...]:
    """Return which of a tree's files a known tool might have its settings from."""
    return tuple(path for path in paths if path.rpartition("/")[2] in TOOL_CONFIGS)


@dataclass(frozen=True, slots=True)
class FixOrder:
    """Which fixes and formatters the user wants.

    Attributes:
        level: "off", "safe" (what ruff calls so) or "all".
        format: Whether `ruff format` runs after the fixes.
        select: Rules or prefixes, as ruff's own `select`; empty: the repo's, else ruff's defaults.
        refused: Authors whose fixes are not made ("ruff:SIM108"): those in quarantine.
        python: Version of the interpreter that runs the program; None if not known.
    """

    level: Literal["off", "safe", "all"] = "off"
    format: bool = False
    select: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    python: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class MadeFix:
    """One fix, made on a copy on top of those before it.

    Attributes:
        author: "ruff:UP006" or "formatter:ruff format".
        effect: What it may do.
        files: New contents of the files that it changed.
        changes: What it changed, against the fix before it.
        reason: Why it may change what the program does; empty if it cannot.
    """

    author: str
    effect: Effect
    files: Files
    changes: tuple[FileChange, ...]
    reason: str = ""
