"""One searchable parameter: its values, the steps between them, and how Optuna has them.

A parameter's coordinate counts steps from its default, along a logarithm where the schema says so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value = bool | int | float | str

STEPS_ACROSS: Final = 8.0  # of a range
MIN_FACTOR: Final = 1.25  # of one step on a logarithmic scale
MAX_FACTOR: Final = 2.0
SIGNIFICANT_DIGITS: Final = 3  # of a proposed float: a patch is read by people


@dataclass(frozen=True)
class Parameter:
    """One searchable parameter.

    Attributes:
        name: In the arguments; for a literal its id.
        kind: "float", "int" or "choice".
        default: What it is now; may lie outside the range.
        low: Smallest value; of a choice 0.
        high: Largest value; of a choice the last index.
        log: Steps multiply instead of adding.
        grid: Distance between integers.
        choices: Of a choice, in the schema's order.
    """

    name: str
    kind: Literal["float", "int", "choice"]
    default: Value
    low: float
    high: float
    log: bool = False
    grid: int = 1
    choices: tuple[Value, ...] = ()

    @cached_property
    def is_ordered(self) -> bool:
        """Whether a coordinate means a distance: numbers, and choices among numbers in order."""
        return self.kind != "choice" or _ascending_numbers(self.choices)

    @cached_property
    def step(self) -> float:
        """Length of one step on the scale of `_scaled`."""
        if self.kind == "choice":
            return 1.0
        width = (self._scaled(self.high) - self._scaled(self.low)) / STEPS_ACROSS
        if self.log:
            return min(max(width, math.log(MIN_FACTOR)), math.log(MAX_FACTOR))
        return max(width, float(self.grid)) if self.kind == "int" else width

    def coordinate(self, value: Value) -> float:
        """Count steps from the default to a value; a value outside the range counts as the nearest inside."""
        if is_same(value, self.default):
            return 0.0
        return (self._position(value) - self._start) / self.step

    def moved(self, value: Value, steps: float) -> Value | None:
        """Return the value some steps away, on the grid and inside the range; None if that is no other value."""
        position = self._position(value) + steps * self.step
        moved = self._value_at(position)
        if not is_same(moved, value):
            return moved
        if self.kind != "int":
            return None
        nearest = self.snapped(float(value) + math.copysign(self.grid, steps))
        return None if is_same(nearest, value) else nearest

    def neighbours(self, value: Value, steps: tuple[float, ...]) -> Iterator[Value]:
        """List the other values that are some steps away in either direction, or all other choices."""
        if not self.is_ordered:
            yield from (choice for choice in self.choices if not is_same(choice, value))
            return
        seen = [value]
        for distance in steps:
            for signed in (distance, -distance):
                moved = self.moved(value, signed)
                if moved is not None and not any(is_same(moved, other) for other in seen):
                    seen.append(moved)
                    yield moved

    def snapped(self, number: float) -> Value:
        """Round a number to the grid, or to a few significant digits, inside the range."""
        inside = min(max(number, self.low), self.high)
        if self.kind == "int":
            first = math.ceil(self.low / self.grid)
            last = math.floor(self.high / self.grid)
            return int(min(max(round(inside / self.grid), first), last) * self.grid)
        rounded = float(f"{inside:.{SIGNIFICANT_DIGITS}g}")
        return min(max(rounded, self.low), self.high)

    def values(self, limit: int) -> tuple[Value, ...] | None:
        """List every value, the default included; None if there are more than a limit."""
        if self.kind == "choice":
            return self.choices
        if self.kind == "float" or (self.high - self.low) / self.grid >= limit:
            return None
        first, last = int(self.snapped(self.low)), int(self.snapped(self.high))
        return tuple(dict.fromkeys([self.default, *range(first, last + 1, self.grid)]))

    def drawn(self, draw: random.Random) -> Value:
        """Draw a value from the whole range."""
        if self.kind == "choice":
            return draw.choice(self.choices)
        return self._value_at(draw.uniform(self._scaled(self.low), self._scaled(self.high)))

    def distribution(self) -> BaseDistribution:
        """Return Optuna's distribution; values outside of it are told as the nearest inside (`told`)."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.kind == "choice":
            return CategoricalDistribution(tuple(range(len(self.choices))))
        if self.kind == "float":
            return FloatDistribution(self.low, self.high, log=self.log)
        # Optuna takes no step on a logarithmic scale; `untold` puts the value back on the grid.
        low, high = int(self.snapped(self.low)), int(self.snapped(self.high))
        return IntDistribution(low, high, log=self.log, step=1 if self.log else self.grid)

    def told(self, value: Value) -> int | float:
        """Write a value as Optuna has it: a choice by its index, for True equals 1 in a list of choices."""
        if self.kind == "choice":
            return int(self._position(value))
        assert not isinstance(value, str)
        inside = min(max(value, self.low), self.high)
        return int(self.snapped(inside)) if self.kind == "int" else float(inside)

    def untold(self, suggested: Any) -> Value:
        """Read a value that Optuna suggests."""
        return self.choices[int(suggested)] if self.kind == "choice" else self.snapped(suggested)

    @cached_property
    def _start(self) -> float:
        return self._position(self.default)

    def _scaled(self, number: float) -> float:
        return math.log(number) if self.log else float(number)

    def _position(self, value: Value) -> float:
        if self.kind == "choice":
            return float(next((i for i, choice in enumerate(self.choices) if is_same(choice, value)), 0))
        assert not isinstance(value, str)
        return self._scaled(min(max(float(value), self.low), self.high))

    def _value_at(self, position: float) -> Value:
        if self.kind == "choice":
            return self.choices[min(max(round(position), 0), len(self.choices) - 1)]
        if self.log:  # before exp, which overflows
            position = min(position, math.log(self.high))
        return self.snapped(math.exp(position) if self.log else position)


def is_same(one: Value, other: Value) -> bool:
    """Whether two values are the same one; True and 1 are not."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _ascending_numbers(choices: tuple[Value, ...]) -> bool:
    numbers = [c for c in choices if isinstance(c, (int, float)) and not isinstance(c, bool)]
    return len(numbers) == len(choices) and numbers == sorted(numbers)
