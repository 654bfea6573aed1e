"""`nightlab engine`: the container engine of this machine."""

from __future__ import annotations

from typing import Final

import typer

from nightlab.controller.cli.output import answering, say

app: Final = typer.Typer(no_args_is_help=True, help="The container engine of this machine.")


@app.callback()
def root() -> None:
    """The container engine of this machine."""


@app.command("ensure")
def ensure() -> None:
    """Make sure that an engine answers: one that does is left alone, else it is installed where that can be done.

    Examples:
      nightlab engine ensure
      sudo nightlab engine ensure
    """
    from nightlab.controller.host.engine_setup import ensure_engine

    with answering():
        ensure_engine(say)
