"""The table of `nightlab doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from nightlab.controller.host.checkup import Finding

STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def check_table(findings: Sequence[Finding]) -> Table:
    """Draw what was examined, one row each, the remedy under what was found."""
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        text = Text(finding.text)
        if finding.remedy:
            text.append(f"\n-> {finding.remedy}", style="dim")
        table.add_row(Text(finding.level.value, style=STYLES[finding.level.value]), Text(finding.name), text)
    return table
