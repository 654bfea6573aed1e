"""What was promised of each case and whether it was kept, summed up in rows, and held against the bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any, Final


class Row(StrEnum):
    """What cases are summed up in."""

    QUIET = "programs that nobody touched"
    LINT_DRIFT = "lint, behind the author's back"
    LINT_WANTED = "lint, as a wanted fix"
    HARMLESS_DRIFT = "neg, behind the author's back"
    HARMLESS_WANTED = "neg, as a wanted fix"
    OUT_OF_BAND = "oob"
    BUG = "bug that a rule sees"
    BUG_UNSEEN = "bug that no rule sees"
    LITERAL = "literal flips"
    WRITE = "swapped, truncated, restored, late"
    REPO = "real repos, unmodified"


class Promise(StrEnum):
    """What is checked of a case."""

    CAUGHT = "caught"
    ATTRIBUTED = "attributed"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Check:
    """One promise about one case.

    Attributes:
        row: Where it is counted.
        promise: What was promised.
        case: Name.
        is_kept: None where it cannot be seen by running (a bug that prints a plausible number).
        said: What the gate said, or what went wrong; one line.
        wall_s: What the case took; 0 where another check of the same case has it.
    """

    row: Row
    promise: Promise
    case: str
    is_kept: bool | None
    said: str = ""
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of a row's checks that must be kept; a row without checks holds no bar.

    Attributes:
        row: Whose.
        promise: Which.
        least: From 0 to 1.
    """

    row: Row
    promise: Promise
    least: float


BARS: Final = (
    Bar(Row.QUIET, Promise.PASSED, 1.0),
    Bar(Row.LINT_DRIFT, Promise.CAUGHT, 1.0),
    Bar(Row.LINT_DRIFT, Promise.ATTRIBUTED, 0.98),
    Bar(Row.LINT_WANTED, Promise.CAUGHT, 1.0),
    Bar(Row.HARMLESS_DRIFT, Promise.CAUGHT, 1.0),
    Bar(Row.HARMLESS_DRIFT, Promise.ATTRIBUTED, 0.98),
    Bar(Row.HARMLESS_WANTED, Promise.PASSED, 0.90),
    Bar(Row.OUT_OF_BAND, Promise.CAUGHT, 1.0),
    Bar(Row.OUT_OF_BAND, Promise.ATTRIBUTED, 1.0),
    Bar(Row.BUG, Promise.CAUGHT, 1.0),
    Bar(Row.BUG_UNSEEN, Promise.CAUGHT, 1.0),
    Bar(Row.LITERAL, Promise.CAUGHT, 1.0),
    Bar(Row.LITERAL, Promise.ATTRIBUTED, 1.0),
    Bar(Row.WRITE, Promise.CAUGHT, 1.0),
    Bar(Row.REPO, Promise.PASSED, 1.0),
)


@dataclass(frozen=True, slots=True)
class Share:
    """How many checks of one promise were kept; those that cannot be seen do not count.

    Attributes:
        kept: How many were.
        total: Of how many.
    """

    kept: int
    total: int

    @property
    def value(self) -> float:
        """From 0 to 1; 1 without checks."""
        return self.kept / self.total if self.total else 1.0

    def __str__(self) -> str:
        """Write "92/92"; "-" without checks."""
        return f"{self.kept}/{self.total}" if self.total else "-"


@dataclass(frozen=True, slots=True)
class Summary:
    """One row with what its checks say.

    Attributes:
        row: Which.
        cases: How many cases it has.
        shares: By promise.
        unseen: Checks that running cannot decide.
        median_s: Of a case; 0.0 where none was timed.
        missed: Bars that are not held.
    """

    row: Row
    cases: int
    shares: dict[Promise, Share]
    unseen: int
    median_s: float
    missed: tuple[Bar, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it with its bars."""
        return {
            "row": self.row,
            "cases": self.cases,
            **{promise: {"kept": share.kept, "total": share.total} for promise, share in self.shares.items()},
            "unseen": self.unseen,
            "median_s": self.median_s,
            "bars": {bar.promise: bar.least for bar in BARS if bar.row is self.row},
            "missed": [bar.promise for bar in self.missed],
        }


def summarize(checks: Iterable[Check]) -> tuple[Summary, ...]:
    """Sum checks up, a row each, in the order of `Row`."""
    by_row: dict[Row, list[Check]] = {}
    for check in checks:
        by_row.setdefault(check.row, []).append(check)
    return tuple(_summary(row, by_row[row]) for row in Row if row in by_row)


def _summary(row: Row, checks: Sequence[Check]) -> Summary:
    shares = {promise: _share(check for check in checks if check.promise is promise) for promise in Promise}
    timed = [check.wall_s for check in checks if check.wall_s]
    return Summary(
        row=row,
        cases=len({check.case for check in checks}),
        shares=shares,
        unseen=sum(check.is_kept is None for check in checks),
        median_s=median(timed) if timed else 0.0,
        missed=tuple(bar for bar in BARS if bar.row is row and shares[bar.promise].value < bar.least),
    )


def _share(checks: Iterable[Check]) -> Share:
    decided = [check.is_kept for check in checks if check.is_kept is not None]
    return Share(sum(decided), len(decided))
