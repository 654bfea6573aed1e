"""`nightlab plugin show`: what one plugin is, asks for and may do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nightlab.controller.cli.output import FAILED, JsonFlag, answering, print_json, print_lines, say
from nightlab.controller.cli.target import HERE, RepoOption

if TYPE_CHECKING:
    from nightlab.controller.config.schema import Config
    from nightlab.controller.plugins.interview import PluginAnswer

Granted = tuple[Sequence[str], Sequence[str]]


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
        granted = _granted(config, answer)
        if as_json:
            print_json(_facts(answer, granted))
        else:
            print_lines(*plugin_page(answer, granted))
        if answer.problem:
            say(f"plugin {name} said nothing: {answer.problem}")
            raise typer.Exit(FAILED)
        if answer.is_new:
            say(
                "\nnightlab.lock does not have it yet: its first night, or `nightlab plugin lock --yes`, writes it down"
            )
        elif answer.difference:
            say(f"\nit differs from what nightlab.lock accepts:\n{answer.difference}")


def _granted(config: Config, answer: PluginAnswer) -> Granted | None:
    """Return the globs that it may read and write; None for nightlab's own, which see all that is editable."""
    table = config.plugins.get(answer.name)
    if table is None or answer.resolved.source.kind == "built-in":
        return None
    return table.reads, table.writes


def _facts(answer: PluginAnswer, granted: Granted | None) -> dict[str, object]:
    source, asked = answer.resolved.source, answer.resolved.asked
    return {
        "name": answer.name,
        "kind": source.kind,
        "version": answer.version or source.version,
        "digest": source.digest,
        "asked": {"reads": asked.reads, "writes": asked.writes} if asked.is_known else None,
        "granted": None if granted is None else {"reads": granted[0], "writes": granted[1]},
        "actions": answer.actions,
        "is_new": answer.is_new,
        "difference": answer.difference,
        "problem": answer.problem,
    }
