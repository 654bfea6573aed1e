"""Shows the measurement of a gate: a row a kind, a line a case, and what missed its bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from nightlab.controller.bench.gate.checks import BARS, Check, Promise, Summary
from nightlab.controller.text import inert


def table(summaries: Sequence[Summary]) -> Table:
    """Lay summaries out for a terminal."""
    made = Table(
        "kind", "cases", "caught", "missed", "held back wrongly", "attributed rightly", "s a case", "", box=None
    )
    for summary in summaries:
        made.add_row(*cells(summary))
    return made


def cells(summary: Summary) -> tuple[str, ...]:
    """Return a summary's cells."""
    caught, passed = summary.shares[Promise.CAUGHT], summary.shares[Promise.PASSED]
    unseen = f" ({summary.unseen} not to be seen)" if summary.unseen else ""
    return (
        str(summary.row),
        str(summary.cases),
        str(caught),
        f"{caught.total - caught.kept}{unseen}" if caught.total or unseen else "-",
        f"{passed.total - passed.kept}/{passed.total}" if passed.total else "-",
        str(summary.shares[Promise.ATTRIBUTED]),
        f"{summary.median_s:.2f}",
        "MISSED" if summary.missed else "held",
    )


def line(check: Check) -> str:
    """Write one check in a line."""
    mark = {True: "ok  ", False: "BAD ", None: "?   "}[check.is_kept]
    return inert(f"{mark}{check.case:34s} {check.row}, {check.promise}: {check.said}")


def misses(summaries: Sequence[Summary]) -> list[str]:
    """Return a sentence for each bar that is not held."""
    return [
        f"missed: {summary.row}: {bar.promise} {summary.shares[bar.promise]}, at least {bar.least:.0%} asked"
        for summary in summaries
        for bar in summary.missed
    ]


def as_json(checks: Sequence[Check], summaries: Sequence[Summary]) -> dict[str, Any]:
    """Return everything, for a program."""
    return {
        "rows": [summary.as_json() for summary in summaries],
        "bars": [{"row": bar.row, "promise": bar.promise, "least": bar.least} for bar in BARS],
        "checks": [
            {
                "case": check.case,
                "row": check.row,
                "promise": check.promise,
                "kept": check.is_kept,
                "said": check.said,
                "wall_s": check.wall_s,
            }
            for check in checks
        ],
    }
