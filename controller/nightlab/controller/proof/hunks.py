"""The difference of two sets of files in pieces that can be applied one without another."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.text import inert

Files = Mapping[str, bytes]
MOST_LINES: Final = 2_000  # that differ in a file and are still aligned; beyond, they are one piece
DIFF_CHARACTERS: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Hunk:
    """One piece of a difference.

    Attributes:
        path: Of the file.
        start: First line that goes, from 0.
        end: Line after the last one that goes; equal to start where lines are only added.
        lines: What comes in their place, with line ends.
        content: Of a file that is added, removed or not text: what it is afterwards, None if it is gone; then the
            whole file is one piece.
        is_whole: Whether it is such a file.
    """

    path: str
    start: int = 0
    end: int = 0
    lines: tuple[bytes, ...] = ()
    content: bytes | None = None
    is_whole: bool = False


def hunks_between(before: Files, after: Files) -> tuple[Hunk, ...]:
    """Return the pieces, by path and place; all of them applied to `before` give `after`."""
    found: list[Hunk] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None or new is None or b"\0" in old + new:
            found += [Hunk(path, content=new, is_whole=True)] if old != new else []
        else:
            found += _in_file(path, old.splitlines(keepends=True), new.splitlines(keepends=True))
    return tuple(found)


def with_hunks(before: Files, hunks: Iterable[Hunk]) -> dict[str, bytes]:
    """Apply some of the pieces of a difference.

    Args:
        before: What the pieces were made from.
        hunks: None of them overlap.
    """
    files = dict(before)
    by_path: dict[str, list[Hunk]] = defaultdict(list)
    for hunk in hunks:
        if not hunk.is_whole:
            by_path[hunk.path].append(hunk)
        elif hunk.content is None:
            files.pop(hunk.path, None)
        else:
            files[hunk.path] = hunk.content
    for path, pieces in by_path.items():
        lines = before[path].splitlines(keepends=True)
        for hunk in sorted(pieces, key=lambda piece: piece.start, reverse=True):
            lines[hunk.start : hunk.end] = hunk.lines
        files[path] = b"".join(lines)
    return files


def diff_text(before: Files, after: Files) -> str:
    """Write a unified diff for a person, at most 64 Ki characters; a binary file is one line."""
    parts: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, b""), after.get(path, b"")
        if before.get(path) == after.get(path):
            continue
        if b"\0" in old + new:
            parts.append(f"{inert(path)}: {len(old)} bytes -> {len(new)} bytes\n")
        else:
            parts += _unified(path, path in before, path in after, _text_lines(old), _text_lines(new))
    return inert("".join(parts), DIFF_CHARACTERS, keep_lines=True)


def _in_file(path: str, old: Sequence[bytes], new: Sequence[bytes]) -> list[Hunk]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(a), len(b)) > MOST_LINES:
        return [Hunk(path, head, head + len(a), tuple(b))]
    steps = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    changes = [step for step in steps if step[0] != "equal"]
    return [
        Hunk(path, head + i, head + j, tuple(b[k:m])) for change in changes for i, j, k, m in _line_by_line(*change[1:])
    ]


def _line_by_line(i: int, j: int, k: int, m: int) -> list[tuple[int, int, int, int]]:
    """As many lines for as many are taken for a change of each; of neighbours only one may be guilty."""
    if j - i != m - k:
        return [(i, j, k, m)]
    return [(i + line, i + line + 1, k + line, k + line + 1) for line in range(j - i)]


def _common(one: Sequence[object], two: Sequence[object]) -> int:
    shortest = min(len(one), len(two))
    return next((place for place in range(shortest) if one[place] != two[place]), shortest)


def _text_lines(content: bytes) -> list[str]:
    return content.decode(errors="replace").splitlines()


def _unified(path: str, was: bool, is_now: bool, old: list[str], new: list[str]) -> list[str]:
    names = (f"a/{path}" if was else "/dev/null", f"b/{path}" if is_now else "/dev/null")
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if max(len(old), len(new)) - head - tail > MOST_LINES:
        return [f"{path}: {len(old)} lines -> {len(new)} lines\n"]
    return [f"{line}\n" for line in difflib.unified_diff(old, new, *names, lineterm="")]
