"""Student's t distribution by hand: its probabilities and quantiles, without a numerical library."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

_STEPS: Final = 200
_TINY: Final = 1e-300
_CLOSE: Final = 3e-16


def t_cdf(value: float, freedom: float) -> float:
    """Return the probability that a t variable is at most a value.

    Args:
        value: Any finite number.
        freedom: Degrees of freedom, above 0; need not be whole (Welch).
    """
    tail = 0.5 * _incomplete_beta(freedom / (freedom + value * value), freedom / 2, 0.5)
    return tail if value < 0 else 1.0 - tail


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """Return the value below which a t variable lies with a probability.

    Args:
        probability: Strictly between 0 and 1.
        freedom: Degrees of freedom, above 0.

    Raises:
        ValueError: An argument is outside its range.

    Source: bisection of `t_cdf`; checked against printed tables in tests/controller/scoring/test_quantiles.py.
    """
    if not (0.0 < probability < 1.0 and freedom > 0.0):
        raise ValueError(f"no t quantile for probability {probability} and {freedom} degrees of freedom")
    if probability < 0.5:
        return -t_quantile(1.0 - probability, freedom)
    tail, high = 1.0 - probability, 1.0
    while t_cdf(-high, freedom) > tail:
        high *= 2.0
    low = 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cdf(-middle, freedom) > tail else (low, middle)
    return high


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularized incomplete beta function; source: Abramowitz & Stegun 26.5.8, Lentz's evaluation."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, _inverse(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, _STEPS):
        for term in _terms(m, x, a, b):
            d = _inverse(1.0 + term * d)
            c = 1.0 + term / (c if abs(c) > _TINY else _TINY)
            result *= d * c
        if abs(d * c - 1.0) < _CLOSE:
            break
    return result


def _terms(m: int, x: float, a: float, b: float) -> tuple[float, float]:
    even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return even, odd


def _inverse(number: float) -> float:
    return 1.0 / (number if abs(number) > _TINY else _TINY)
