"""The numbers of one measured quantity over several runs: how far runs of one tree lie apart, and who lies beyond."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Series = Sequence[float]
FACTORS: Final = {2: 10.0, 3: 5.0}
"""How many spreads of 2 or 3 runs a value must lie outside of them: two runs may lie close together by chance."""
FACTOR_OF_MORE: Final = 4.0


@dataclass(frozen=True, slots=True)
class SeriesFloor:
    """What a quantity is in runs of the same tree.

    Attributes:
        name: Of the quantity.
        runs: Its numbers, run by run; at least two runs.
        is_cut: Whether a run was ended by its time limit: then only what all printed is compared.
    """

    name: str
    runs: tuple[tuple[float, ...], ...]
    is_cut: bool = False

    @property
    def is_steady(self) -> bool:
        """Whether all runs agree, digit for digit, in at least one number."""
        return self._length > 0 and all(_same(run[: self._length], self.runs[0][: self._length]) for run in self.runs)

    @property
    def spread(self) -> float:
        """The largest distance between two runs at the same place; 0.0 if none differ."""
        return max((self._spread_at(place) for place in range(self._length)), default=0.0)

    def difference(self, other: Series, *, is_cut: bool) -> str:
        """Say in one line how a run of another tree lies beyond what these runs span; empty if it does not.

        Args:
            other: Its numbers.
            is_cut: Whether it was ended by its time limit.
        """
        first = self.runs[0]
        reach = 0.0
        for place in range(min(self._length, len(other))):
            reach = max(reach, self._spread_at(place) * FACTORS.get(len(self.runs), FACTOR_OF_MORE))
            if self._is_beyond(place, other[place], reach):
                shown = f"{_shown(first[place])} -> {_shown(other[place])}"
                return f"{self.name} {shown} at value {place + 1} of {len(first)}{self._noise()}"
        return self._count_difference(other, is_cut=is_cut)

    def _count_difference(self, other: Series, *, is_cut: bool) -> str:
        """A run that was ended may lack numbers; one that ended by itself lacks them for a reason."""
        counts = {len(run) for run in self.runs}
        if len(counts) > 1 and not self.is_cut:
            return ""
        lacks = len(other) < min(counts) and not is_cut
        exceeds = len(other) > max(counts) and not self.is_cut
        return f"{self.name} printed {len(self.runs[0])} times -> {len(other)} times" if lacks or exceeds else ""

    @property
    def _length(self) -> int:
        return min(len(run) for run in self.runs)

    def _at(self, place: int) -> list[float]:
        return [run[place] for run in self.runs]

    def _spread_at(self, place: int) -> float:
        finite = [value for value in self._at(place) if math.isfinite(value)]
        return max(finite) - min(finite) if finite else 0.0

    def _is_beyond(self, place: int, value: float, reach: float) -> bool:
        values = self._at(place)
        finite = [one for one in values if math.isfinite(one)]
        if not math.isfinite(value) or not finite:
            return not any(_same((one,), (value,)) for one in values)
        return not min(finite) - reach <= value <= max(finite) + reach

    def _noise(self) -> str:
        return f" (runs of the same tree differ by up to {self.spread:.3g})" if self.spread else ""


def _same(one: Series, two: Series) -> bool:
    return len(one) == len(two) and all(a == b or (a != a and b != b) for a, b in zip(one, two, strict=True))


def _shown(value: float) -> str:
    return f"{value:.6g}" if not math.isfinite(value) or f"{value:.6g}" == repr(value) else repr(value)
