"""ruff, run on one file at a time: what it would fix, what the file is after some rules' fixes or its formatter.

Contents go in and out through pipes; the only files are the cut-down configs of the workshop. Errors of ruff are
answers (None), not exceptions: a broken config of a repo is no reason to fail.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from ruff import find_ruff_bin

CALL_S: Final = 5.0
OUTPUT_BYTES: Final = 64 * 2**20
CACHED_RUNS: Final = 2_000
LEVELS: Final = ("safe", "unsafe", "safe+preview", "unsafe+preview")
REPO_CONFIG: Final = "the repo's ruff config"
_TARGET: Final = "--target-version="
_CONFIG: Final = "--config="
# Rules that switch each other off when all are selected.
_RIVALS: Final = "D203,D213"


@dataclass(frozen=True, slots=True)
class Setup:
    """Under which settings ruff runs.

    Attributes:
        target: "py311"; empty: what the config says, else ruff's own default.
        has_config: The repo's config counts; else none does.
        options: Single settings in TOML ("line-length=100").
    """

    target: str = ""
    has_config: bool = False
    options: tuple[str, ...] = ()

    @classmethod
    def read(cls, settings: Iterable[str]) -> Self:
        """Return what `settings` of a Writer say."""
        target, has_config, options = "", False, []
        for each in settings:
            text = each.partition(" (")[0]
            if text.startswith(_TARGET):
                target = text.removeprefix(_TARGET)
            elif each == f"{_CONFIG}{REPO_CONFIG}":
                has_config = True
            elif text.startswith(_CONFIG):
                options.append(text.removeprefix(_CONFIG))
        return cls(target, has_config, tuple(options))

    def settings(self) -> tuple[str, ...]:
        """Write them as `settings` of a Writer."""
        config = (f"{_CONFIG}{REPO_CONFIG}",) if self.has_config else ()
        target = (f"{_TARGET}{self.target}",) if self.target else ()
        return (*target, *config, *(f"{_CONFIG}{option}" for option in self.options))

    def arguments(self) -> list[str]:
        """Return ruff's options."""
        target = [f"{_TARGET}{self.target}"] if self.target else []
        return [
            *([] if self.has_config else ["--isolated"]), *target, *(f"{_CONFIG}{option}" for option in self.options)
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters from (row, column) to (row, column), from 1, that a fix replaces by `content`."""

    start: tuple[int, int]
    end: tuple[int, int]
    content: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A place that ruff can fix.

    Attributes:
        code: The rule.
        is_safe: In ruff's own words.
        edits: What the fix replaces.
    """

    code: str
    is_safe: bool
    edits: tuple[Edit, ...]


class Ruff:
    """Runs the pinned ruff in a directory that holds nothing but configs and empty modules.

    Attributes:
        calls: How often it was started.
    """

    def __init__(self, folder: Path, deadline: float) -> None:
        """Remember where to run and until when (time.monotonic()); later calls answer None."""
        self._folder = folder
        self._deadline = deadline
        self._runs: dict[tuple[object, ...], bytes | None] = {}
        self.calls = 0

    def fixable(self, path: str, source: bytes, setup: Setup, *, preview: bool = False) -> tuple[Diagnostic, ...]:
        """Return all that could be fixed, whatever the rule. Empty if ruff cannot read it."""
        found = self._diagnostics(path, source, setup, "ALL", preview)
        rivals = self._diagnostics(path, source, setup, _RIVALS, False) if not preview else ()
        return (*found, *rivals)

    def selected(self, path: str, source: bytes, setup: Setup, select: Sequence[str]) -> tuple[Diagnostic, ...]:
        """Return what could be fixed of some rules; of none: of those that the config or ruff itself selects."""
        return self._diagnostics(path, source, setup, ",".join(select), False)

    def counts(self, path: str, source: bytes, select: str, setup: Setup) -> dict[str, int] | None:
        """Count findings by rule, noqa aside; None if ruff cannot read the file."""
        arguments = ["check", "--no-fix", "--ignore-noqa", "--exit-zero", "--output-format=json", f"--select={select}"]
        output = self._run(path, source, [*arguments, *setup.arguments()])
        if output is None:
            return None
        found: dict[str, int] = {}
        for item in _items(output):
            code = str(item.get("code"))
            found[code] = found.get(code, 0) + 1
        return found

    def fix(
        self, path: str, source: bytes, rules: Iterable[str], level: str, setup: Setup, *, enabled: str = ""
    ) -> bytes | None:
        """Return the file after the fixes of some rules.

        Args:
            path: Of the file; its directory decides which config counts.
            source: Its content.
            rules: Rules to fix.
            level: One of LEVELS.
            setup: Settings.
            enabled: Rules that are checked without being fixed, for those that look at others (RUF100).

        Returns:
            The new content; None if ruff refused.
        """
        names = ",".join(sorted(rules))
        select = [f"--select={enabled},{names}", f"--fixable={names}"] if enabled else [f"--select={names}"]
        unsafe = "--unsafe-fixes" if level.startswith("unsafe") else "--no-unsafe-fixes"
        preview = "--preview" if level.endswith("preview") else "--no-preview"
        arguments = ["check", "--fix-only", unsafe, preview, *select, *setup.arguments()]
        return self._run(path, source, arguments) if names else source

    def format(self, path: str, source: bytes, setup: Setup) -> bytes | None:
        """Return the formatted file; None if ruff cannot read it."""
        return self._run(path, source, ["format", *setup.arguments()])

    def _diagnostics(
        self, path: str, source: bytes, setup: Setup, select: str, preview: bool
    ) -> tuple[Diagnostic, ...]:
        arguments = ["check", "--no-fix", "--exit-zero", "--output-format=json", *setup.arguments()]
        arguments += [*([f"--select={select}"] if select else []), "--preview" if preview else "--no-preview"]
        output = self._run(path, source, arguments)
        return tuple(_diagnostic(item) for item in _items(output or b"[]") if _is_fixable(item))

    def _run(self, path: str, source: bytes, arguments: list[str]) -> bytes | None:
        key = (path, source, *arguments)
        if key not in self._runs:
            if len(self._runs) > CACHED_RUNS:
                self._runs.clear()
            self._runs[key] = self._start(path, source, arguments)
        return self._runs[key]

    def _start(self, path: str, source: bytes, arguments: list[str]) -> bytes | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            return None
        self.calls += 1
        command = [_binary(), *arguments, "--quiet", "--stdin-filename", f"./{path}", "-"]
        try:
            done = subprocess.run(
                command, input=source, cwd=self._folder, env=self._environment(), capture_output=True, check=False,
                timeout=min(CALL_S, left),
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 and len(done.stdout) <= OUTPUT_BYTES else None

    def _environment(self) -> dict[str, str]:
        nowhere = str(self._folder)
        return {"HOME": nowhere, "XDG_CONFIG_HOME": nowhere, "RUFF_NO_CACHE": "true", "RAYON_NUM_THREADS": "1"}


@cache
def _binary() -> str:
    return str(find_ruff_bin())


def _items(output: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(output)
    except ValueError:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _is_fixable(item: dict[str, Any]) -> bool:
    fix = item.get("fix")
    return bool(item.get("code")) and isinstance(fix, dict) and fix.get("applicability") in ("safe", "unsafe")


def _diagnostic(item: dict[str, Any]) -> Diagnostic:
    fix = item["fix"]
    return Diagnostic(str(item["code"]), fix["applicability"] == "safe", tuple(map(_edit, fix["edits"])))


def _edit(edit: dict[str, Any]) -> Edit:
    start, end = edit["location"], edit["end_location"]
    return Edit((start["row"], start["column"]), (end["row"], end["column"]), edit["content"])
