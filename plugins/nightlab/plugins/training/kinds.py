"""What values are to the batch of a training step, and what operations make of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a value is to the batch.

    ROWS: a tensor whose first dimension counts samples. BATCH: what a loader yields, not taken apart yet. PLAIN: the
    same whatever the batch. UNKNOWN: anything else.
    """

    ROWS = "rows"
    BATCH = "batch"
    PLAIN = "plain"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Stream:
    """Something that is iterated over.

    Attributes:
        each: What it yields.
    """

    each: Value


Value = Kind | Stream | tuple["Value", ...]
Env = dict[str, Value]
ROWS, BATCH, PLAIN, UNKNOWN = Kind.ROWS, Kind.BATCH, Kind.PLAIN, Kind.UNKNOWN
LOADER: Final = Stream(BATCH)


def joined(values: Sequence[Value]) -> Value:
    """What a name holds that holds one of several."""
    return values[0] if all(each == values[0] for each in values) else UNKNOWN


def mixed(values: Sequence[Value]) -> Value:
    """What an operation by elements gives."""
    kinds = set(values)
    if kinds <= {PLAIN}:
        return PLAIN
    return ROWS if kinds <= {PLAIN, ROWS} else UNKNOWN


def element(value: Value) -> Value:
    """What a value yields."""
    return value.each if isinstance(value, Stream) else UNKNOWN
