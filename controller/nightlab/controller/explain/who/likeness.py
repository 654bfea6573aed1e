"""Which kinds of tools can have written a change at all, told from its lines, before any tool is run.

A tool that writes nothing like the changed lines is not tried: most changes are a person's or an agent's, and running
every tool with every option on a large file takes seconds. Where this module is not sure it says that it may be.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from nightlab.controller.explain.who.distance import Hunk, hunks, lines_of

_WORD: Final = re.compile(r"\w+")
_TOKEN: Final = re.compile(r"0[xXoObB]\w+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?[jJ]?|\w+|[^\w\s]")
_IMPORT_LINE: Final = re.compile(
    r"\s*(?:(?:from|import)\b.*|[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+)*,?\s*\\?|[()]|#.*|)\s*"
)
_LAYOUT: Final = str.maketrans("", "", " \t\r\n\f,()\"'\\;")
_FLIPPED: Final = ("True", "False")


@dataclass(frozen=True, slots=True)
class Part:
    """One place of a change: its earlier and its later lines."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def is_layout(self) -> bool:
        """Whether a formatter may have written it: but for blanks, brackets, commas, quotes and case it is the same."""
        ours, theirs = ("".join(lines).translate(_LAYOUT).lower() for lines in (self.before, self.after))
        return ours == theirs

    @property
    def is_imports(self) -> bool:
        """Whether an import sorter may have written it."""
        return all(_IMPORT_LINE.fullmatch(line) for line in (*self.before, *self.after))

    @property
    def new_words(self) -> frozenset[str]:
        """Words that are there more often than before."""
        gone, new = (Counter(_WORD.findall("".join(lines))) for lines in (self.before, self.after))
        return frozenset(new - gone)

    @property
    def is_removal(self) -> bool:
        """Whether a remover of what is unused may have written it: no word is new but `pass`, or a star is replaced."""
        return self.new_words <= {"pass"} or any("import *" in line for line in self.before)

    @property
    def is_value(self) -> bool:
        """Whether all that differs is the values of numbers and of True and False: no tool changes those."""
        ours, theirs = (_TOKEN.findall("".join(lines)) for lines in (self.before, self.after))
        pairs = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
        return len(ours) == len(theirs) and bool(pairs) and all(_other_value(a, b) for a, b in pairs)


@lru_cache(maxsize=64)
def parts(before: bytes, after: bytes) -> tuple[Part, ...]:
    """Return the places of a change; lines side by side are places of their own where one is only another value."""
    old, new = lines_of(before), lines_of(after)
    return tuple(each for hunk in hunks(before, after) for each in _parts(hunk, old, new))


def is_values_only(before: bytes, after: bytes) -> bool:
    """Tell whether a change is one of values alone, which no known tool makes."""
    found = parts(before, after)
    return bool(found) and all(part.is_value for part in found)


def reaches(before: bytes, after: bytes, made: bytes) -> tuple[bool, bool]:
    """Tell whether what a tool makes changes lines of (any, every) place that was changed."""
    theirs = hunks(before, made)
    met = [_is_met(hunk, theirs) for hunk in hunks(before, after)]
    return any(met), all(met)


def _is_met(hunk: Hunk, others: Iterable[Hunk]) -> bool:
    return any(hunk.before_start <= o.before_end and o.before_start <= hunk.before_end for o in others)


def _parts(hunk: Hunk, old: Sequence[str], new: Sequence[str]) -> list[Part]:
    before, after = old[hunk.before_start : hunk.before_end], new[hunk.after_start : hunk.after_end]
    if len(before) != len(after):
        return [Part(tuple(before), tuple(after))]
    rows = [Part((a,), (b,)) for a, b in zip(before, after, strict=True)]
    if not any(row.is_value or row.is_layout for row in rows):
        return [Part(tuple(before), tuple(after))]
    return rows


def _other_value(one: str, other: str) -> bool:
    if one in _FLIPPED and other in _FLIPPED:
        return True
    try:
        values = ast.literal_eval(one), ast.literal_eval(other)
    except (ValueError, SyntaxError):
        return False
    return all(type(value) in (int, float, complex) for value in values) and values[0] != values[1]
