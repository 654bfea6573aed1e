"""Which rules of ruff may have taken part: those whose places vanished, or whose fix is found in the later file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from nightlab.controller.explain.who.distance import lines_of
from nightlab.controller.explain.who.ruff import Diagnostic, Ruff, Setup

MOST_DIAGNOSTICS: Final = 3_000
NOQA_RULE: Final = "RUF100"
# Where both have something to say ruff tells of the first alone, and the second's fix makes it vanish.
_HIDES: Final = {"TC004": "TC007"}


def vanished(ruff: Ruff, path: str, before: bytes, after: bytes, setup: Setup) -> set[str]:
    """Return the rules with fixes in the earlier file of which the later one has fewer places."""
    found: set[str] = set()
    for preview in (False, True):
        old = Counter(each.code for each in ruff.fixable(path, before, setup, preview=preview))
        new = Counter(each.code for each in ruff.fixable(path, after, setup, preview=preview)) if old else Counter()
        found |= {code for code, count in old.items() if new[code] < count}
    if before.lower().count(b"noqa") > after.lower().count(b"noqa"):
        found.add(NOQA_RULE)
    return found


def hidden_by(rules: Iterable[str]) -> set[str]:
    """Return the rules that ruff does not tell of while some others are selected."""
    return {_HIDES[rule] for rule in rules if rule in _HIDES}


def found_again(ruff: Ruff, path: str, before: bytes, after: bytes, setup: Setup) -> set[str]:
    """Return the rules of which a fix, made alone, writes lines that the later file has and the earlier one has not."""
    lines = lines_of(before)
    extra = Counter(lines_of(after))
    extra.subtract(Counter(lines))
    found: set[str] = set()
    for preview in (False, True):
        for each in ruff.fixable(path, before, setup, preview=preview)[:MOST_DIAGNOSTICS]:
            if each.code not in found and _is_there(each, lines, extra):
                found.add(each.code)
    return found


def _is_there(diagnostic: Diagnostic, lines: Sequence[str], extra: Counter[str]) -> bool:
    """Tell whether the change of lines that a fix makes is part of the change of lines that was made."""
    change = Counter(_made(diagnostic, lines))
    change.subtract(Counter(_touched(diagnostic, lines)))
    parts = {line: count for line, count in change.items() if count}
    return bool(parts) and all(
        0 < count <= extra[line] or 0 > count >= extra[line] for line, count in parts.items() if line.strip()
    )


def _span(diagnostic: Diagnostic) -> tuple[int, int]:
    return min(edit.start[0] for edit in diagnostic.edits), max(edit.end[0] for edit in diagnostic.edits)


def _touched(diagnostic: Diagnostic, lines: Sequence[str]) -> list[str]:
    first, last = _span(diagnostic)
    return list(lines[first - 1 : last])


def _made(diagnostic: Diagnostic, lines: Sequence[str]) -> list[str]:
    first, last = _span(diagnostic)
    starts = _starts(lines[first - 1 : last])
    text = "".join(lines[first - 1 : last])
    for edit in sorted(diagnostic.edits, key=lambda edit: edit.start, reverse=True):
        begin = _offset(edit.start, first, starts, len(text))
        end = _offset(edit.end, first, starts, len(text))
        text = text[:begin] + edit.content + text[end:]
    return text.splitlines(keepends=True)


def _starts(lines: Iterable[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _offset(place: tuple[int, int], first: int, starts: Sequence[int], length: int) -> int:
    row = place[0] - first
    return min(starts[row] + place[1] - 1 if row < len(starts) else length, length)
