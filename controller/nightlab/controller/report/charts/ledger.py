"""Draws the ledger as one stacked bar."""

from __future__ import annotations

from markupsafe import Markup

from nightlab.controller.report.charts._svg import drawing, element
from nightlab.controller.report.view import StudyView
from nightlab.controller.report.words import show_percent, show_quantity

WIDTH, HEIGHT = 1120.0, 34.0


def ledger_bar(view: StudyView) -> Markup | None:
    """Draw the bar, or return None when nothing was spent."""
    total = sum(row.seconds for row in view.ledger)
    if total <= 0:
        return None
    parts, left = [], 0.0
    for row in view.ledger_rows:
        width = WIDTH * row.seconds / total
        hint = f"{row.category}: {show_quantity(row.seconds, 's')}, {show_percent(row.seconds, total, sign=False)}"
        rect = element("rect", x=left, y=0.0, width=max(0.0, width - 1), height=HEIGHT, class_=f"bar l-{row.category}")
        parts.append(element("g", rect, element("title", hint)))
        left += width
    return drawing(WIDTH, HEIGHT, "Where the container time went", *parts, class_="chart stack")
