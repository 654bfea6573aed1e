"""Finds numbers in a training run's output by regular expressions: line by line, in constant memory.

Patterns are the user's, lines are not: some patterns take for ever on lines made for it, and Python's matcher cannot be
interrupted. So lines are cut, and a finished log is scanned by `scan_log` in a helper process, which is this module run
as a script, with a deadline. Standard library only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from nightlab.controller.scoring.numbers import Picker, Select, read_number

LINE_LIMIT_BYTES: Final = 4096  # of a line; the rest is dropped
CHUNK_BYTES: Final = 1 << 18
SCAN_LIMIT_S: Final = 20.0
MEMORY_LIMIT_BYTES: Final = 1 << 29
SERIES_VALUES: Final = 20_000  # kept of one quantity
_SHOWN_CHARACTERS: Final = 40
_LINE_END: Final = re.compile(rb"[\r\n]")
# Colours, cursor moves, window titles and backspaces: how a line looks, not what it says.
_APPEARANCE: Final = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[()][0-9A-B]|\x08")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression with one group around the number, or a group named "value"."""

    pattern: str
    select: Select = "last"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found for one quantity.

    Attributes:
        value: Finite; None if there is none, and then `why` says so.
        place: Line or row of the value, from 1; 0 without one.
        seen: How many values there were.
        why: Why there is no value, in words for a person.
    """

    value: float | None
    place: int = 0
    seen: int = 0
    why: str = ""


class LineMeter:
    """Takes output in pieces and keeps, for each pattern, the match that counts.

    A carriage return ends a line as a newline does: progress bars write one line for ever.
    """

    def __init__(self, patterns: Mapping[str, Pattern], on_value: Callable[[str, float], None] | None = None) -> None:
        """Start before the first byte.

        Args:
            patterns: By quantity.
            on_value: Called with name and number at each match, as it comes.
        """
        self._on_value = on_value
        self._regexes = {name: re.compile(p.pattern) for name, p in patterns.items()}
        self._pickers = {name: Picker(p.select) for name, p in patterns.items()}
        self._unread: dict[str, str] = {}
        self._rest = b""
        self._line = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the output; any length."""
        start = 0
        for end in _LINE_END.finditer(piece):
            self._end_line(self._rest + piece[start : min(end.start(), start + LINE_LIMIT_BYTES)])
            self._rest, start = b"", end.end()
        self._rest = (self._rest + piece[start : start + LINE_LIMIT_BYTES])[:LINE_LIMIT_BYTES]

    def close(self) -> dict[str, Reading]:
        """Take the end of the output as the end of its last line and return one reading a pattern."""
        if self._rest:
            self._end_line(self._rest)
            self._rest = b""
        return {name: self._reading(name) for name in self._regexes}

    def _end_line(self, line: bytes) -> None:
        self._line += 1
        text = visible_line(line[:LINE_LIMIT_BYTES])
        for name, regex in self._regexes.items():
            for match in regex.finditer(text):
                self._take(name, match)

    def _take(self, name: str, match: re.Match[str]) -> None:
        found = match["value"] if "value" in match.re.groupindex else match[1]
        value = None if found is None else read_number(found)
        if value is None:
            self._unread[name] = found or ""
        else:
            self._unread.pop(name, None)
            self._pickers[name].take(value, self._line)
            if self._on_value is not None:
                self._on_value(name, value)

    def _reading(self, name: str) -> Reading:
        picker = self._pickers[name]
        if name in self._unread and (picker.select == "last" or not picker.seen):
            shown = self._unread[name][:_SHOWN_CHARACTERS]
            return Reading(None, why=f"the pattern matched {shown!r}, which is not a number; narrow its group")
        if not picker.seen:
            return Reading(None, why=f"no line of {self._line} matches the pattern")
        return finite_reading(picker, "line")


def visible_line(line: bytes) -> str:
    """Return what a person reads of a line: no colours, no control sequences, bytes that are not UTF-8 replaced."""
    return _APPEARANCE.sub(b"", line).decode("utf-8", "replace")


def screen_line(text: str) -> str:
    """Return what a terminal shows of a line in the end: of a progress bar the last state, without colours."""
    parts = visible_line(text.encode("utf-8", "replace")).split("\r")
    return next((part for part in reversed(parts) if part.strip()), "")


def finite_reading(picker: Picker, place: str) -> Reading:
    """Turn a picker into a reading; NaN and infinities are no score."""
    value = picker.value
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return Reading(None, picker.place, picker.seen, f"the value in {place} {picker.place} is {value}")
    return Reading(value, picker.place, picker.seen)


def scan_log(path: Path, patterns: Mapping[str, Pattern], limit_s: float = SCAN_LIMIT_S) -> dict[str, Reading]:
    """Scan a finished log in a helper process.

    Args:
        path: The output as stored.
        patterns: By quantity.
        limit_s: After it the helper is killed, and each pattern gets its own, so that a slow one costs only itself.

    Returns:
        A reading for every pattern; what could not be scanned says why.
    """
    if not patterns:
        return {}
    try:
        return _helped(path, patterns, limit_s)
    except subprocess.TimeoutExpired:
        if len(patterns) > 1:
            return {name: scan_log(path, {name: p}, limit_s)[name] for name, p in patterns.items()}
        why = f"the pattern takes longer than {limit_s:g} s on this output; avoid nested repeats such as (a+)+"
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        why = f"the output cannot be scanned: {_last_line(error)}"
    return {name: Reading(None, why=why) for name in patterns}


def scan_series(path: Path, patterns: Mapping[str, str], limit_s: float = SCAN_LIMIT_S) -> dict[str, tuple[float, ...]]:
    """Return every number that each pattern finds in a finished log, in order; NaN and infinities stay.

    Args:
        path: The output as stored.
        patterns: Regular expressions by quantity.
        limit_s: After it the helper is killed, and no quantity has a value.

    Returns:
        The first 20,000 of each; none where the output cannot be scanned.
    """
    asked = {name: asdict(Pattern(pattern)) for name, pattern in patterns.items()}
    try:
        found = _ask_helper("series", path, asked, limit_s) if patterns else {}
    except (OSError, ValueError, subprocess.SubprocessError):
        found = {}
    return {name: tuple(map(float, found.get(name, ()))) for name in patterns}


def _helped(path: Path, patterns: Mapping[str, Pattern], limit_s: float) -> dict[str, Reading]:
    asked = {name: asdict(pattern) for name, pattern in patterns.items()}
    return {name: Reading(**reading) for name, reading in _ask_helper("readings", path, asked, limit_s).items()}


def _ask_helper(what: str, path: Path, asked: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
    # -P and one path: the working directory may be somebody's repo with a json.py in it.
    command = [sys.executable, "-P", "-m", __name__, what, str(path.resolve())]
    env = {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    words = json.dumps(asked)
    done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=limit_s, check=True, env=env)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _last_line(error: Exception) -> str:
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[-1][:200]


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as log:
        while piece := log.read(CHUNK_BYTES):
            yield piece


def _main(what: str, path: str, asked: Mapping[str, Mapping[str, Any]]) -> str:
    series: dict[str, list[float]] = {name: [] for name in asked}

    def keep(name: str, value: float) -> None:
        if len(series[name]) < SERIES_VALUES:
            series[name].append(value)

    meter = LineMeter({name: Pattern(**pattern) for name, pattern in asked.items()}, keep if what == "series" else None)
    for piece in _pieces(Path(path)):
        meter.feed(piece)
    readings = {name: asdict(reading) for name, reading in meter.close().items()}
    return json.dumps(series if what == "series" else readings)


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    sys.stdout.write(_main(sys.argv[1], sys.argv[2], json.loads(sys.stdin.read())))
