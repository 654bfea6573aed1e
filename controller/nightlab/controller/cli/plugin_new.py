"""`nightlab plugin new`: write the project of a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_lines, say


def new(
    name: Annotated[str, typer.Argument(help="Of the plugin: small letters, digits, hyphens.")],
    folder: Annotated[Path | None, typer.Argument(help="New or empty; by default of that name, here.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a plugin's project: one action, tests, a Dockerfile. It passes `nightlab plugin check` as it is.

    Examples:
      nightlab plugin new warm-start
      nightlab plugin new warm-start plugins/warm-start --json
    """
    from nightlab.controller.plugins.new import new_plugin

    with answering(as_json):
        where = folder or Path(name)
        written = new_plugin(name, where)
        if as_json:
            print_json([str(path) for path in written])
            return
        print_lines(*map(str, written))
        say(f"next: cd {where} && pip install -e . && python -m pytest")
