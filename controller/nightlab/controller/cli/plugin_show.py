"""`nightlab plugin show`: what one plugin is, asks for and may do."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from nightlab.controller.cli.output import FAILED, JsonFlag, answering, print_json, print_lines, say
from nightlab.controller.cli.target import HERE, RepoOption


def show(
    name: Annotated[str, typer.Argument(help="Of the plugin.")],
    repo: RepoOption = HERE,
    as_json: JsonFlag = False,
) -> None:
    """Start a plugin where it would run in a study and show its actions, what it asks for and what it is granted.

    Examples:
      nightlab plugin show hyperparameter
      nightlab plugin show warm-start --repo ../my-repo --json
    """
    from nightlab.controller.config.load import load_config
    from nightlab.controller.plugins.interview import interview
    from nightlab.controller.report.plugins import plugin_page

    with answering(as_json):
        config = load_config(repo, env=os.environ)
        (answer,) = asyncio.run(interview(config, repo, [name], say))
        if as_json:
            print_json(answer)
        else:
            table = config.plugins.get(name)
            is_own = answer.resolved.source.kind == "built-in"
            print_lines(*plugin_page(answer, None if is_own or table is None else (table.reads, table.writes)))
        if answer.problem:
            say(f"plugin {name} said nothing: {answer.problem}")
            raise typer.Exit(FAILED)
        if answer.difference:
            say(f"\nit differs from what nightlab.lock accepts:\n{answer.difference}")
