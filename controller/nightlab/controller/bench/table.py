"""One measured row with its bar, and how rows are shown. Measuring belongs to the cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """What a row should hold.

    Attributes:
        limit: In the row's unit; without one for a ratio.
        of: What is held against it: the median, the median as a multiple of the peer's, or its difference to it.
    """

    limit: float
    of: Literal["median", "ratio", "difference"] = "median"

    def text(self, unit: str) -> str:
        """Say it in a few characters."""
        if self.of == "ratio":
            return f"{self.limit:g} x"
        return f"{'+' if self.of == 'difference' else ''}{self.limit:g} {unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        name: Unique; what `--only` takes.
        what: For people.
        unit: Of all its numbers.
        samples: One or more.
        bar: None where none was set.
        peer: What it was interleaved with; empty: nothing.
        peer_samples: As many as there were rounds.
        note: What a reader of the numbers must know.
    """

    name: str
    what: str
    unit: str
    samples: Sequence[float]
    bar: Bar | None = None
    peer: str = ""
    peer_samples: Sequence[float] = ()
    note: str = ""

    @property
    def median(self) -> float:
        """Of the samples."""
        return median(self.samples)

    @property
    def ratio(self) -> float:
        """The median as a multiple of the peer's; not a number without a peer."""
        return self.median / median(self.peer_samples) if self.peer_samples else math.nan

    @property
    def is_held(self) -> bool | None:
        """Whether the bar is held; None without one."""
        if self.bar is None:
            return None
        peer = median(self.peer_samples) if self.peer_samples else math.nan
        measured = {"median": self.median, "ratio": self.ratio, "difference": self.median - peer}
        return measured[self.bar.of] <= self.bar.limit

    def as_json(self) -> dict[str, Any]:
        """Return it with its medians and its verdict."""
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "samples": list(self.samples),
            "median": self.median,
            "peer": self.peer,
            "peer_samples": list(self.peer_samples),
            "ratio": self.ratio if self.peer_samples else None,
            "bar": None if self.bar is None else {"limit": self.bar.limit, "of": self.bar.of},
            "held": self.is_held,
            "note": self.note,
        }


def table(rows: Sequence[Row]) -> Table:
    """Lay rows out for a terminal."""
    made = Table("measured", "nightlab", "bare", "ratio", "bar", "", box=None, pad_edge=False)
    for row in rows:
        made.add_row(*cells(row))
    return made


def cells(row: Row) -> tuple[str, ...]:
    """Return a row's cells: what, ours, the peer's, ratio, bar, whether it is held."""
    bare = f"{_spread(row.peer_samples)} {row.unit}" if row.peer_samples else "-"
    ratio = f"{row.ratio:.2f} x" if row.peer_samples else "-"
    bar = row.bar.text(row.unit) if row.bar else "-"
    held = {None: "", True: "held", False: "MISSED"}[row.is_held]
    what = f"{row.what} / {row.peer}" if row.peer else row.what
    return (what, f"{_spread(row.samples)} {row.unit}", bare, ratio, bar, held)


def _spread(samples: Sequence[float]) -> str:
    if len(samples) == 1:
        return _short(samples[0])
    return f"{_short(median(samples))} ({_short(min(samples))}-{_short(max(samples))})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
