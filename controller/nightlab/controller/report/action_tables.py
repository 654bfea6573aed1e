"""Shows on a terminal which action won what; the words are `report.action_words`'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nightlab.controller.report._inert import _inert
from nightlab.controller.report.action_words import TALLY_HEAD, TALLY_NUMBERS, has_rivals, plugin_line, tally_cells
from nightlab.controller.report.view import StudyView

LISTED: Final = 12
CELL_CHARS: Final = 200


def action_tables(view: StudyView) -> Iterator[RenderableType]:
    """Show the actions that won most and the plugins that were left out; nothing where there is but one action."""
    if not has_rivals(view):
        return
    yield Text()
    yield _tallies(view)
    if len(view.tallies) > LISTED:
        yield Text(f"and {len(view.tallies) - LISTED} more; nightlab report has them all", style="dim")
    for plugin in view.plugins:
        if plugin.stopped:
            yield Text(_inert(f"plugin {plugin_line(plugin)}", 600), style="red")


def _tallies(view: StudyView) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at, name in enumerate(TALLY_HEAD):
        table.add_column(name, justify="right" if at in TALLY_NUMBERS else "left")
    for tally in view.tallies[:LISTED]:
        table.add_row(*(Text(_inert(cell, CELL_CHARS)) for cell in tally_cells(view, tally)))
    return table
