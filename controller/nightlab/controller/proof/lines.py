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
    r"|(?:(?<![\w.])[-+]?|(?<=\dT))(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|(?<![\w.])[-+]?(?:nan|NaN|NAN|inf|Inf|INF|infinity|Infinity)(?!\w))"
    r"|(?<=\d)T(?=\d\d:)|[^\W\d]\w*|\S"
)
_LOCATION: Final = re.compile(r'(\.py(?:", line |:))\d+')
_WARNING: Final = re.compile(r"^\S.*\.py:\d+: (\w+Warning): ")
_ABOUT_THE_TEXT: Final = frozenset(
    {"SyntaxWarning", "DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"}
)
_FRAME: Final = re.compile(r'^\s*(?:\|\s*)*File "[^"]*", line \d+')
_FRAME_QUOTE: Final = re.compile(r'^\s+(?!File ")\S')
_WARNING_QUOTE: Final = re.compile(r"^  \S")
_WARNING_LINES: Final = 6  # of a message, before the quoted source line


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        place: In the output, from 1.
        text: As printed, without places in the source.
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


def clocks(shape: Sequence[str]) -> Iterator[range]:
    """Yield which numbers of a shape are one date or time of day ("2026-11-23 20:07:02,113"): they vary together.

    The hour may be the same in two runs and another in a third.
    """
    links = _links(shape)
    start = 0
    for index in range(len(links) + 1):
        if index == len(links) or not _is_linked(links, index):
            if index > start and (":" in links[start:index] or links[start:index] in (["-", "-"], ["/", "/"])):
                yield range(start, index + 1)
            start = index + 1


def _links(shape: Sequence[str]) -> list[str]:
    """Return what stands between each number and the next."""
    links: list[str] = []
    between: list[str] | None = None
    for word in shape:
        if word != NUMBER:
            if between is not None:
                between.append(word)
            continue
        if between is not None:
            links.append("".join(between))
        between = []
    return links


def _is_linked(links: Sequence[str], index: int) -> bool:
    link = links[index]
    before, after = links[index - 1] if index else "", links[index + 1] if index + 1 < len(links) else ""
    if link in ("", "T"):
        return before in ("-", "/") and after == ":"
    return link in (":", "-", "/") or (link in (",", ".") and before == ":")


def _of_the_run(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    in_frame = False
    warned = 0  # how many more lines may be those of a warning
    for place, text in enumerate(lines, 1):
        if in_frame and _FRAME_QUOTE.match(text):
            continue
        if warned and _WARNING_QUOTE.match(text):
            warned = 0
            continue
        warning = _WARNING.match(text)
        warned = _WARNING_LINES if warning else max(0, warned - 1)
        in_frame = _FRAME.match(text) is not None
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
