"""Shows the measurement of a gate: a row a kind, a line a case, and what missed its bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from nightlab.controller.bench.gate.checks import BARS, Check, Promise, Summary
from nightlab.controller.text import inert

HEAD: Final = (
    *("kind", "cases", "caught", "missed", "not to be seen", "held back wrongly", "attributed rightly"),
    *("s a case", "bars"),
)


def table(summaries: Sequence[Summary]) -> str:
    """Lay summaries out, a line each."""
    rows = [HEAD, *(cells(summary) for summary in summaries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def cells(summary: Summary) -> tuple[str, ...]:
    """Return a summary's cells."""
    caught, passed = summary.shares[Promise.CAUGHT], summary.shares[Promise.PASSED]
    return (
        str(summary.row),
        str(summary.cases),
        str(caught),
        str(caught.total - caught.kept) if caught.total else "-",
        str(summary.unseen) if summary.unseen else "-",
        f"{passed.total - passed.kept}/{passed.total}" if passed.total else "-",
        str(summary.shares[Promise.ATTRIBUTED]),
        f"{summary.median_s:.2f}" if summary.median_s else "-",
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
