"""The `nightlab engine` commands. Finding and judging an engine belongs to `engine.connect` and doctor."""

from __future__ import annotations

import sys

import typer

from nightlab.controller.host.engine_setup import ensure_engine

engine_app = typer.Typer(name="engine", help="The container engine of this machine.", no_args_is_help=True)


@engine_app.callback()
def _group() -> None:
    """The container engine of this machine."""


@engine_app.command("ensure")
def ensure_command() -> None:
    """Make sure that a container engine answers; root on Debian or Ubuntu installs one where none does.

    Examples:
        nightlab engine ensure
        sudo nightlab engine ensure
    """
    ensure_engine(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
