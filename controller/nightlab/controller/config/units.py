"""Sizes and durations as people write them: "8g", "512 MiB", "90s", "1h30m"."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?\s*", re.IGNORECASE)
_SIZE_FACTOR: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|m|s)", re.IGNORECASE)
_SPAN_FACTOR: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_bytes(value: object) -> object:
    """Read a size; a number is bytes, k/m/g/t are powers of 1024. Other types are left to the validator."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError(f'{value!r} is not a size; write bytes or a number with k, m, g or t, such as "8g"')
    return int(float(match[1]) * _SIZE_FACTOR[(match[2] or "").lower()])


def parse_seconds(value: object) -> object:
    """Read a duration; a number is seconds. Other types are left to the validator."""
    if not isinstance(value, str):
        return value
    text = value.replace(" ", "")
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'{value!r} is not a duration; write seconds or units, such as "90s" or "1h30m"')
    return sum(float(number) * _SPAN_FACTOR[unit.lower()] for number, unit in parts)


def show_bytes(value: float) -> str:
    """Write a size for a person: "1.5 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def show_seconds(value: float) -> str:
    """Write a duration for a person: "12.3 s", "4 min 05 s", "7 h 30 min"."""
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{int(value) // 60} min {int(value) % 60:02d} s"
    return f"{int(value) // 3600} h {int(value) % 3600 // 60:02d} min"


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Seconds = Annotated[float, BeforeValidator(parse_seconds)]
