"""Scales and ticks: where a value lies on a picture, and which round values are named beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

_TIME_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_OUTLIER_SPANS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values linearly to pixels; values outside are clamped to the ends."""

    low: float
    high: float
    low_px: float
    high_px: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.low_px + share * (self.high_px - self.low_px)

    def holds(self, value: float) -> bool:
        """Whether the value lies on the picture."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Ticks:
    """Round values with their texts, and the unit that the axis should name."""

    marks: tuple[tuple[float, str], ...]
    unit: str


def padded(values: Iterable[float], share: float = 0.06) -> tuple[float, float]:
    """Return a range around finite values with some room at both ends, never empty."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = (high - low) * share or abs(high) * 0.05 or 1.0
    return low - room, high + room


def without_outliers(values: Iterable[float]) -> list[float]:
    """Drop what lies more than three interquartile ranges beyond the quartiles: a diverged run must not flatten all."""
    known = sorted(value for value in values if math.isfinite(value))
    if len(known) < 4:
        return known
    first, _, third = quantiles(known, n=4, method="inclusive")
    room = _OUTLIER_SPANS * (third - first)
    if room <= 0:
        return known
    return [value for value in known if first - room <= value <= third + room]


def ticks(low: float, high: float, unit: str = "", count: int = 5) -> Ticks:
    """Choose about `count` round values between low and high; bytes and seconds get units that people read."""
    if unit == "s":
        return time_ticks(low, high, count)
    factor, name = _byte_unit(max(abs(low), abs(high))) if unit == "bytes" else (1.0, unit)
    step = _nice((high - low) / factor / (count + 1.5))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (0 if _one_digit(step) else 1))
    first, last = math.ceil(low / factor / step - 1e-9), math.floor(high / factor / step + 1e-9)
    marks = tuple((n * step * factor, _number(n * step, decimals)) for n in range(first, last + 1))
    return Ticks(marks, name)


def time_ticks(low_s: float, high_s: float, count: int = 6) -> Ticks:
    """Choose round durations."""
    wanted = (high_s - low_s) / count
    if wanted < 1:
        plain = ticks(low_s, high_s, "", count)
        return Ticks(plain.marks, "s")
    step = next((step for step in _TIME_STEPS_S if step >= wanted), math.ceil(wanted / 86400) * 86400)
    factor, name = (1, "s") if step < 60 else (60, "min") if step < 3600 else (3600, "h")
    first, last = math.ceil(low_s / step - 1e-9), math.floor(high_s / step + 1e-9)
    return Ticks(tuple((n * float(step), _number(n * step / factor, 0)) for n in range(first, last + 1)), name)


def _byte_unit(size: float) -> tuple[float, str]:
    for power, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 2**power:
            return float(2**power), name
    return 1.0, "B"


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= step * (1 - 1e-9))


def _one_digit(step: float) -> bool:
    lead = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    return abs(lead - round(lead)) < 1e-6


def _number(value: float, decimals: int) -> str:
    if abs(value) >= 1e7 or decimals > 8:
        return f"{value:.3g}"
    return f"{value + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
