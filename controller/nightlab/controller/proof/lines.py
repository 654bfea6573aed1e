"""Printed lines as words and numbers, so that what varies from run to run can be told from what does not.

What the interpreter says about the text of a program (where a warning stood, which source line it quotes) is left out:
it differs as soon as a line moves, and the program does the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NUMBER: Final = "\0"
"""Stands for a number in a shape; no line has it."""
_TOKEN: Final = re.compile(
    r"(?P<number>0x[0-9a-fA-F]+"
    r"|(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|(?<![\w.])[-+]?(?:nan|NaN|NAN|inf|Inf|INF|infinity|Infinity)(?!\w))"
    r"|[^\W\d]\w*|\S"
)
_LOCATION: Final = re.compile(r'(\.py(?:", line |:))\d+')
_WARNING: Final = re.compile(r"^\S.*\.py:\d+: (\w+Warning): ")
_ABOUT_THE_TEXT: Final = frozenset(
    {"SyntaxWarning", "DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"}
)
_FRAME: Final = re.compile(r'^\s*(?:\|\s*)*File "[^"]*", line \d+')
_INDENTED: Final = re.compile(r"^\s+(?!File \")\S")


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        place: In the output, from 1.
        text: As printed.
        shape: Its words and signs, each number replaced by NUMBER; space does not count.
        numbers: As written, in order.
    """

    place: int
    text: str
    shape: tuple[str, ...]
    numbers: tuple[str, ...]


def read_lines(lines: Sequence[str]) -> tuple[Line, ...]:
    """Take the lines of a run apart; empty ones and what speaks of the source text are left out."""
    return tuple(_line(place, text) for place, text in _of_the_run(lines))


def is_finite(number: str) -> bool:
    """Say whether a number as written is neither NaN nor infinite."""
    return number.startswith("0x") or math.isfinite(float(number))


def _of_the_run(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    quotes = False  # whether indented lines that follow quote the source
    for place, text in enumerate(lines, 1):
        if quotes and _INDENTED.match(text):
            continue
        warning = _WARNING.match(text)
        quotes = warning is not None or _FRAME.match(text) is not None
        if text.strip() and not (warning and warning[1] in _ABOUT_THE_TEXT):
            yield place, _LOCATION.sub(r"\1", text)


def _line(place: int, text: str) -> Line:
    shape: list[str] = []
    numbers: list[str] = []
    for token in _TOKEN.finditer(text):
        number = token["number"]
        shape.append(token[0] if number is None else NUMBER)
        if number is not None:
            numbers.append(number)
    return Line(place, text, tuple(shape), tuple(numbers))
