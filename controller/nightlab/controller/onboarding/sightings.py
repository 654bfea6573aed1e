"""Finds the numbers with a name in what a run printed: `val_loss: 0.3`, `{"rmse": 1.2}`, `epoch 5 acc = 87%`.

Text in, sightings out; lines are hostile, so every step is linear in their length. Which of them scores the run is
`metric`'s to decide; tables are `tables`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.controller.onboarding.metric_names import SPLIT_WORDS, words_of
from nightlab.controller.scoring.numbers import read_number

LABEL_CHARACTERS: Final = 100
NUMBER: Final = re.compile(
    r"(?<![\w.@/^~-])[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?"
    r"|(?:nan|NaN|NAN|inf|Inf|Infinity)\b)(?!\w|\.\d|:\d)"
)
_BETWEEN: Final = " \t\"'`:=|│┃║>→≈~])"  # between a name and its number
_WRAPPERS: Final = ("tensor(", "array(", "float64(", "float32(", "(", "[", " is", " was", " of", " at", " -")
_BOUNDARY: Final = re.compile(r"[,;|│┃║\[\](){}:=>]|\s{2,}|\t|\s[-–—]\s")
_LETTER: Final = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One number with a name, in one line.

    Attributes:
        line: Number of the line, from 1.
        text: The line.
        start: Where the name begins.
        number: Where the number begins.
        end: Where it ends.
        label: The name as printed.
        context: The nearest word to the left of the name that tells the data ("Validation"), or "".
        context_at: Where that word begins.
        value: The number.
    """

    line: int
    text: str
    start: int
    number: int
    end: int
    label: str
    context: str
    context_at: int
    value: float


def sightings_in(number: int, text: str) -> Iterator[Sighting]:
    """Yield the named numbers of one line, left to right."""
    previous_end = 0
    for match in NUMBER.finditer(text):
        value = read_number(match[0])
        if value is not None:
            for start, end in _names(text, match.start(), previous_end):
                context, at = _context(text, start)
                yield Sighting(number, text, start, match.start(), match.end(), text[start:end], context, at, value)
        previous_end = match.end()


def _names(text: str, number_at: int, previous_end: int) -> Iterator[tuple[int, int]]:
    """Yield where the name of a number is: what stands directly before it, and what stands before an inner number."""
    end = _name_end(text, number_at)
    nearest = _start(text, max(previous_end, end - LABEL_CHARACTERS), end)
    if nearest is not None:
        yield nearest, end
    if previous_end > 0 and number_at - previous_end < LABEL_CHARACTERS and not _divided(text[previous_end:end]):
        wider = _start(text, max(0, end - LABEL_CHARACTERS), end)
        if wider is not None and wider < previous_end:
            yield wider, end


def _name_end(text: str, number_at: int) -> int:
    left = text[max(0, number_at - LABEL_CHARACTERS) : number_at]
    before = None
    while before != left:
        before = left
        left = left.rstrip(_BETWEEN)
        for wrapper in _WRAPPERS:
            left = left.removesuffix(wrapper)
    return max(0, number_at - LABEL_CHARACTERS) + len(left)


def _start(text: str, low: int, end: int) -> int | None:
    """Return where a name that ends here begins, if it has a letter."""
    start = low
    for boundary in _BOUNDARY.finditer(text, low, end):
        if boundary.end() < end:
            start = boundary.end()
    while start < end and not (text[start].isalnum() or text[start] in "_\"'"):
        start += 1
    return start if _LETTER.search(text, start, end) else None


def _divided(between: str) -> bool:
    return _BOUNDARY.search(between) is not None


def _context(text: str, start: int) -> tuple[str, int]:
    found = ("", start)
    for match in re.finditer(r"[A-Za-z]+(?:[- ]out)?", text[:start]):
        words = words_of(match[0])
        if any(word in SPLIT_WORDS for word in words) or match[0].lower() in ("held-out", "held out"):
            found = (match[0], match.start())
    return found
