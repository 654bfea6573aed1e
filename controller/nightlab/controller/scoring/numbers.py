"""Reads a number as a run prints it, and picks one of many. Standard library only: the scan helper imports it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Select = Literal["last", "first", "min", "max"]

MAX_DIGITS: Final = 64  # of a printed number; more is not a measurement
_GROUPED: Final = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_PLAIN: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?")
_NOT_FINITE: Final = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)


def read_number(text: str) -> float | None:
    """Read "1.93", "1e-3", "87.5%" (87.5), "12,345.6", "nan" or "inf"; punctuation after it is passed over.

    Returns:
        NaN or an infinity where that is written; None for anything else that is not one number, such as "True" or
        "1.5s": a unit that is guessed is a wrong score.
    """
    word = text.strip().rstrip(",;:)]}'\"").lstrip("([{'\"")
    word = word.removesuffix("%").rstrip()
    if len(word) > MAX_DIGITS:
        return None
    if _NOT_FINITE.fullmatch(word):
        return float(word)
    word = word.removesuffix(".") if word.count(".") > 1 else word
    if _GROUPED.fullmatch(word):
        return float(word.replace(",", ""))
    return float(word) if _PLAIN.fullmatch(word) else None


@dataclass
class Picker:
    """Takes values one by one and keeps the one that counts, in constant memory.

    Attributes:
        select: Which one counts.
        seen: How many were taken.
        not_finite: How many of them were NaN or infinite.
        value: The one that counts so far; of `last` also NaN, for a run that ended in NaN has no score.
        place: Where it stood: a line or a row, from 1.
    """

    select: Select
    seen: int = 0
    not_finite: int = 0
    value: float | None = None
    place: int = 0

    def take(self, value: float, place: int) -> None:
        """Take the next value."""
        self.seen += 1
        is_finite = math.isfinite(value)
        self.not_finite += not is_finite
        if self._counts(value, is_finite):
            self.value, self.place = value, place

    def take_all(self, values: Iterable[tuple[float, int]]) -> None:
        """Take (value, place) pairs."""
        for value, place in values:
            self.take(value, place)

    def _counts(self, value: float, is_finite: bool) -> bool:
        if self.select == "last":
            return True
        if self.value is None or not math.isfinite(self.value):
            return is_finite or self.value is None
        if not is_finite or self.select == "first":
            return False
        return value < self.value if self.select == "min" else value > self.value
