"""What changed in any other text: by line, with the name of a setting where a line has one; binary files by size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from nightlab.controller.explain.plain import sized
from nightlab.controller.explain.what.notes import Note, Rank
from nightlab.controller.explain.what.shown import clipped, pair
from nightlab.controller.explain.what.texts import text_notes
from nightlab.controller.explain.what.unified import MOST_LINES, lines_of

MOST_SHOWN: Final = 20
MOST_EXACT: Final = 2000
MOST_READ_CHARS: Final = 2000
_SETTING: Final = re.compile(
    r"\s*(?:export\s+|set\s+|ENV\s+|ARG\s+|-+)?([A-Za-z_][\w.\-/\[\]\"']*)\s*(?:=|:)\s*(.*?)\s*,?\s*$"
)
_WORD: Final = re.compile(r"[-+]?\d[\w.+-]*|\w+|\s+|.", re.DOTALL)
_NUMBER: Final = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+)$")


def line_notes(before: bytes, after: bytes) -> list[Note]:
    """Say what changed, line by line; at least one note for contents that differ."""
    old, new = lines_of(before), lines_of(after)
    if old is None or new is None:
        return [Note(Rank.BEHAVIOUR, None, sized(before, after, "binary"))]
    ones, others = ([line.rstrip() for line in side] for side in (old, new))
    if ones == others:
        return text_notes(before, after) or [Note(Rank.TEXT, None, "white space at line ends")]
    first = _first_difference(ones, others)
    if max(len(ones), len(others)) > MOST_LINES:
        text = f"{len(ones):,} -> {len(others):,} lines, the first difference in line {first + 1}"
        return [Note(Rank.BEHAVIOUR, first + 1, text)]
    notes: list[Note] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, ones, others, autojunk=len(ones) > MOST_EXACT).get_opcodes():
        if tag != "equal":
            notes += _hunk(ones[i1:i2], others[j1:j2], i1 + 1, j1 + 1)
    kept = notes[:MOST_SHOWN]
    if len(notes) > len(kept):
        kept.append(Note(Rank.TEXT, None, f"and {len(notes) - len(kept)} more lines"))
    return kept + text_notes(before, after)


def _first_difference(old: Sequence[str], new: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _hunk(old: Sequence[str], new: Sequence[str], old_line: int, new_line: int) -> list[Note]:
    if len(old) == len(new):
        return [_line(one, other, new_line + at) for at, (one, other) in enumerate(zip(old, new, strict=True))]
    gone = [Note(Rank.BEHAVIOUR, old_line + at, f"line removed: {_shown(one)}") for at, one in enumerate(old) if one]
    added = [Note(Rank.BEHAVIOUR, new_line + at, f"line added: {_shown(one)}") for at, one in enumerate(new) if one]
    blank = [Note(Rank.TEXT, new_line, "blank lines")]
    return [*gone, *added] or blank


def _line(old: str, new: str, line: int) -> Note:
    one, other = _SETTING.match(old[:MOST_READ_CHARS]), _SETTING.match(new[:MOST_READ_CHARS])
    if one and other and one[1] == other[1] and one[2] != other[2]:
        values = pair(one[2], other[2])
        return Note(Rank.VALUE, line, f"`{clipped(one[1])}` {values[0] or 'nothing'} -> {values[1] or 'nothing'}")
    ones, others = _WORD.findall(old[:MOST_READ_CHARS]), _WORD.findall(new[:MOST_READ_CHARS])
    if len(ones) == len(others):
        different = [(a, b) for a, b in zip(ones, others, strict=True) if a != b]
        if len(different) == 1 and all(_NUMBER.match(each) for each in different[0]):
            return Note(Rank.VALUE, line, f"{different[0][0]} -> {different[0][1]} in {_shown(new)}")
    if "".join(old.split()) == "".join(new.split()):
        return Note(Rank.TEXT, line, f"white space in {_shown(new)}")
    shown = pair(old.strip(), new.strip())
    return Note(Rank.BEHAVIOUR, line, f"`{shown[0]}` became `{shown[1]}`")


def _shown(line: str) -> str:
    return f"`{clipped(line.strip())}`"
