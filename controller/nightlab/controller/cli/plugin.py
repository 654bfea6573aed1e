"""`nightlab plugin`: which plugins there are, what they ask for, what is pinned of them. A command, a module."""

from __future__ import annotations

from typing import Final

import typer

from nightlab.controller.cli import plugin_check, plugin_disable, plugin_list, plugin_lock, plugin_new, plugin_show

app: Final = typer.Typer(no_args_is_help=True, help="Action plugins: what there is, what it may do, what is pinned.")
app.command("list")(plugin_list.list_plugins)
app.command("show")(plugin_show.show)
app.command("check")(plugin_check.check)
app.command("new")(plugin_new.new)
app.command("lock")(plugin_lock.lock)
app.command("disable")(plugin_disable.disable)


@app.callback()
def root() -> None:
    """Action plugins: what there is, what it may do, what is pinned."""
