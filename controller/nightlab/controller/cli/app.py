"""The command tree. Each command lives in a module named after it."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlab.controller.cli import clean, doctor, engine, export, gate, init, plugin, report, run, status, stop, trial
from nightlab.controller.cli.logs import to_stderr
from nightlab.controller.version import VERSION

app = typer.Typer(
    name="nightlab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a night of training experiments in hardened containers.",
)
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)
app.command("run")(run.run)
app.command("gate")(gate.gate)
app.command("status")(status.status)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("stop")(stop.stop)
app.command("clean")(clean.clean)
app.add_typer(trial.app, name="trial")
app.add_typer(engine.app, name="engine")
app.add_typer(plugin.app, name="plugin")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"nightlab {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log events on stderr.")] = False,
) -> None:
    """Run a night of training experiments in hardened containers."""
    to_stderr(verbose=verbose)


def main() -> None:
    """Run the command line."""
    app()
