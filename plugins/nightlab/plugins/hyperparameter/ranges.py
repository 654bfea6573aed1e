"""A sensible range and scale for a number, by its family and its present value.

Every range holds the present value, so that leaving a literal alone is always a point of the space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

Spec = dict[str, Any]
DECAY_STEPS: Final = (0.0, 0.0001, 0.001, 0.01, 0.1)
CLIP_STEPS: Final = (0.0, 0.5, 1.0, 5.0)
FLOOR_STEPS: Final = (0.0, 1e-6, 1e-5, 1e-4)
WARMUP_STEPS: Final = (0, 5, 20, 100)


class NoRange(Exception):
    """There is no sensible range; the text says why."""


def number_spec(family: str, value: float) -> Spec:
    """Return the property of a real-valued literal.

    Raises:
        NoRange: The value is outside of what the family can mean.
    """
    if value < 0:
        raise NoRange(f"{value:g} is negative, which a {family} is not")
    if value == 0:
        return _from_zero(family)
    return _NUMBERS.get(family, _by_ratio(4))(value)


def integer_spec(family: str, value: int, *, divisors: Sequence[int] = (), powers: bool = False) -> Spec:
    """Return the property of an integer literal.

    Args:
        family: What it means.
        value: What it is.
        divisors: For a width, the numbers that must go on dividing it; for heads, the steps of the widths.
        powers: A batch size that other sizes must divide: keep to its halves and doubles.

    Raises:
        NoRange: The family is no count, or the value leaves nothing to try.
    """
    if family == "warmup" and value == 0:
        return {"type": "integer", "enum": list(WARMUP_STEPS)}
    if value <= 0:
        raise NoRange(f"{value} leaves no range around it")
    if family == "batch" and powers:
        return {"type": "integer", "enum": sorted({max(1, value // 4), max(1, value // 2), value, value * 2})}
    if family in ("batch", "width"):
        low = value // 4 if family == "batch" else value // 2
        return _stepped(value, low, 2 * value, width_step(value, divisors))
    if family == "heads":
        return _heads(value, divisors)
    if family == "head size":
        raise NoRange("it must divide the width")
    if family not in _INTEGERS:
        raise NoRange("it is written as an integer; write it with a point to have it searched")
    low, high, log = _INTEGERS[family](value)
    return _integer(low, high, log=log)


def width_step(value: int, divisors: Sequence[int] = ()) -> int:
    """The largest step of at most a quarter of the width that keeps it, and the heads in it, divisible."""
    common = math.lcm(*divisors) if divisors else 1
    if value % common:
        return value  # it is not divisible now; there is nothing to keep
    fitting = [step for step in range(common, max(value // 4, common) + 1, common) if value % step == 0]
    return fitting[-1]


def _heads(value: int, steps: Sequence[int]) -> Spec:
    step = math.gcd(*steps) if steps else value
    fitting = [heads for heads in range(1, 4 * value + 1) if step % (2 * heads) == 0 or heads == value]
    choices = [heads for heads in fitting if value <= 2 * heads]
    if len(choices) < 2:
        raise NoRange("no other number of heads divides the width")
    return {"type": "integer", "enum": choices}


def _stepped(value: int, low: int, high: int, step: int) -> Spec:
    first = max(step, -(-low // step) * step)
    if first >= high // step * step:
        raise NoRange(f"{value} leaves no step around it")
    return {
        "type": "integer",
        "minimum": first,
        "maximum": high // step * step,
        "multipleOf": step,
        "x-scale": "linear",
    }


def _integer(low: int, high: int, *, log: bool) -> Spec:
    return {"type": "integer", "minimum": low, "maximum": high, "x-scale": "log" if log and low > 0 else "linear"}


def _from_zero(family: str) -> Spec:
    choices = {"decay": DECAY_STEPS, "clip": CLIP_STEPS, "lr": FLOOR_STEPS}.get(family)
    if choices:
        return {"type": "number", "enum": list(choices)}
    if family in ("dropout", "warmup"):
        return _linear(0.0, 0.5)
    if family in ("beta", "factor", "ratio"):
        return _linear(0.0, 0.95)
    raise NoRange("it is 0, which tells no scale")


def _by_ratio(factor: float) -> Callable[[float], Spec]:
    return lambda value: _log(value / factor, value * factor)


def _beta(value: float) -> Spec:
    if value > 1:
        return _log(value / 4, value * 4)
    rest = 1 - value
    return _linear(1 - min(0.5, 3 * rest) if value > 0.5 else value / 2, 1 - rest / 5)


def _dropout(value: float) -> Spec:
    if value >= 1:
        raise NoRange(f"{value:g} is no probability below 1")
    return _linear(0.0, max(0.5, min(0.95, value + 0.2)))


def _decay(value: float) -> Spec:
    return _beta(value) if value > 0.5 else _log(value / 10, value * 10)


def _share(value: float) -> Spec:
    return _linear(0.0, min(1.0, max(0.5, 2 * value))) if value <= 1 else _log(value / 4, value * 4)


def _log(low: float, high: float) -> Spec:
    return {"type": "number", "minimum": _neat(low), "maximum": _neat(high), "x-scale": "log"}


def _linear(low: float, high: float) -> Spec:
    return {"type": "number", "minimum": _neat(low), "maximum": _neat(high), "x-scale": "linear"}


def _neat(value: float) -> float:
    return float(f"{value:.6g}")


_NUMBERS: Final[dict[str, Callable[[float], Spec]]] = {
    "lr": _by_ratio(10),
    "decay": _decay,
    "beta": _beta,
    "epsilon": _by_ratio(100),
    "dropout": _dropout,
    "clip": _by_ratio(4),
    "warmup": _share,
    "factor": _share,
    "ratio": _by_ratio(2),
    "spread": _by_ratio(5),
    "scale": _by_ratio(4),
}
_INTEGERS: Final[dict[str, Callable[[int], tuple[int, int, bool]]]] = {
    "layers": lambda v: (max(1, v - max(2, v // 2)), v + max(2, v // 2), False),
    "accumulation": lambda v: (max(1, v // 2), 2 * v, True),
    "warmup": lambda v: (0, 3 * v, False),
    "horizon": lambda v: (max(1, v // 2), 2 * v, True),
    "ratio": lambda v: (max(1, v // 2), 2 * v, False),
    "scale": lambda v: (max(1, v // 4), 4 * v, True),
}
