"""How far two texts of a program are apart, and whether a third lies on the way between them.

A tool is believed to have written something only if what it writes is found again in the later text; this module
measures that and knows nothing of tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

# Blocks of more pairs of tokens or lines than this are counted as wholly different.
MOST_PAIRS: Final = 400_000
WIDTHS: Final = range(40, 161)
_TOKEN: Final = re.compile(r"\w+|[ \t]+|\r?\n|[^\w\s]|\s")

Opcodes = list[tuple[str, int, int, int, int]]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines [before_start, before_end) that became lines [after_start, after_end), from 0."""

    before_start: int
    before_end: int
    after_start: int
    after_end: int


def lines_of(text: bytes) -> list[str]:
    """Split into lines that keep their ends, as Python sees them."""
    return text.decode("utf-8", "surrogateescape").replace("\r\n", "\n").splitlines(keepends=True) or [""]


@lru_cache(maxsize=512)
def distance(before: bytes, after: bytes) -> int:
    """Count the tokens (words, blanks, signs) that are only in one of two texts."""
    if before == after:
        return 0
    old = before.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    new = after.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    return max(1, sum(_block(old[a:b], new[c:d]) for tag, a, b, c, d in _opcodes(old, new) if tag != "equal"))


@lru_cache(maxsize=256)
def hunks(before: bytes, after: bytes) -> tuple[Hunk, ...]:
    """Return the lines that differ."""
    old, new = lines_of(before), lines_of(after)
    return tuple(Hunk(a, b, c, d) for tag, a, b, c, d in _opcodes(old, new) if tag != "equal")


def is_on_the_way(start: bytes, stop: bytes, end: bytes, share: float) -> bool:
    """Tell whether at least a share of what leads from `start` to `stop` also leads from `start` to `end`."""
    effect = distance(start, stop)
    return effect > 0 and distance(start, end) - distance(stop, end) >= share * effect


def fitting_widths(text: bytes) -> tuple[int, ...]:
    """Return lengths of a line that a text may be formatted to: its longest line, rounded up to a ten or as it is."""
    longest = max(map(len, lines_of(text))) - 1
    return tuple(width for width in dict.fromkeys((-(-longest // 10) * 10, longest)) if width in WIDTHS)


def is_cut_off(before: bytes, after: bytes) -> bool:
    """Tell whether a text only ends earlier: a write that stopped leaves that, too."""
    return before.startswith(after) and bool(before[len(after) :].strip())


def touch(effect: Sequence[Hunk], rest: Sequence[Hunk]) -> int:
    """Count the hunks of an effect whose later lines overlap or adjoin the earlier lines of the rest."""
    return sum(any(_meets(hunk, other) for other in rest) for hunk in effect)


def _meets(hunk: Hunk, other: Hunk) -> bool:
    return hunk.after_start <= other.before_end and other.before_start <= hunk.after_end


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Opcodes:
    """Return difflib's opcodes, with the common head and tail split off first: it is quadratic."""
    head = _common(zip(old, new, strict=False))
    room = min(len(old), len(new)) - head
    tail = min(room, _common(zip(reversed(old), reversed(new), strict=False)))
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if not inner_old and not inner_new:
        return []
    if len(inner_old) * len(inner_new) > 100 * MOST_PAIRS:
        return [("replace", head, len(old) - tail, head, len(new) - tail)]
    found = SequenceMatcher(None, inner_old, inner_new, autojunk=False).get_opcodes()
    return [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in found]


def _common(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _block(old: Sequence[str], new: Sequence[str]) -> int:
    ours, theirs = _TOKEN.findall("".join(old)), _TOKEN.findall("".join(new))
    if not ours or not theirs or len(ours) * len(theirs) > MOST_PAIRS:
        return len(ours) + len(theirs)
    return sum((b - a) + (d - c) for tag, a, b, c, d in _opcodes(ours, theirs) if tag != "equal")
