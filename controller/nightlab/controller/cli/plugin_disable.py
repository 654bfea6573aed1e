"""`nightlab plugin disable`: take a plugin out of the config."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlab.controller.cli.output import JsonFlag, answering, print_json, say
from nightlab.controller.cli.target import HERE, RepoOption


def disable(
    name: Annotated[str, typer.Argument(help="Of the plugin.")],
    repo: RepoOption = HERE,
    as_json: JsonFlag = False,
) -> None:
    """Take a plugin out of search.actions in nightlab.toml; nothing is started, comments and the plugin's table stay.

    Examples:
      nightlab plugin disable warm-start
    """
    from nightlab.controller.plugins.disable import disable_plugin

    with answering(as_json):
        gone = disable_plugin(repo, name)
        if as_json:
            print_json({"disabled": list(gone)})
        else:
            say(f"search.actions no longer has {', '.join(gone)}; [plugins.{name}] stays, to enable it again by name")
