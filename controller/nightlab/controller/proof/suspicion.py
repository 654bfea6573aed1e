"""Where a failed run points to: lines of the changed files that its traceback names.

It only says what to try first. Whatever a program prints can be made up, so nothing is concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from nightlab.controller.proof.hunks import Files, Hunk, hunks_between

MOST_PLACES: Final = 200
NEAR_LINES: Final = 1
_FRAME: Final = re.compile(r'File "([^"]+)", line (\d{1,9})')

Place = tuple[str, int]
"""A path and a line before the change, from 0."""


def pointed_places(lines: Sequence[str], before: Files, after: Files) -> frozenset[Place]:
    """Return the lines before the change that a run after it names in its tracebacks, the last 200 of them.

    Args:
        lines: What the run printed.
        before: Contents before the change.
        after: Contents after it.
    """
    found = [match for line in lines for match in _FRAME.finditer(line)][-MOST_PLACES:]
    named = {(path, int(line) - 1) for path, line in (match.groups() for match in found)}
    hunks = hunks_between(before, after)
    return frozenset(
        (path, _earlier(line, [hunk for hunk in hunks if hunk.path == path]))
        for full, line in named
        for path in before.keys() & after.keys()
        if full == path or full.endswith(f"/{path}")
    )


def touches(hunks: Sequence[Hunk], places: Collection[Place]) -> bool:
    """Say whether one of the pieces lies at, or right beside, one of the places."""
    return any(
        hunk.path == path and hunk.start - NEAR_LINES <= line < hunk.end + NEAR_LINES
        for hunk in hunks
        for path, line in places
    )


def _earlier(line: int, hunks: Sequence[Hunk]) -> int:
    """Translate a line after the pieces into the one before them; of an added line, where it was added."""
    grown = 0
    for hunk in hunks:
        if line < hunk.start + grown:
            break
        if line < hunk.start + grown + len(hunk.lines):
            return min(hunk.start + (line - hunk.start - grown), max(hunk.end - 1, hunk.start))
        grown += len(hunk.lines) - (hunk.end - hunk.start)
    return line - grown
