"""`nightlab plugin`: which plugins there are, what they ask for, what is pinned of them."""

from __future__ import annotations

from typing import Final

import typer

from nightlab.controller.cli import plugin_check, plugin_new

app: Final = typer.Typer(no_args_is_help=True, help="Action plugins: what there is, what it may do, what is pinned.")


@app.callback()
def root() -> None:
    """Action plugins: what there is, what it may do, what is pinned."""


app.command("check")(plugin_check.check)
app.command("new")(plugin_new.new)
