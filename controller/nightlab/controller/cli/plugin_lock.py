"""`nightlab plugin lock`: read what has changed of plugins, and accept it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nightlab.controller.cli.output import FAILED, JsonFlag, answering, print_json, print_lines, say
from nightlab.controller.cli.target import HERE, RepoOption

if TYPE_CHECKING:
    from nightlab.controller.plugins.interview import PluginAnswer


def lock(
    repo: RepoOption = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Accept; without it the changes are only shown.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show how enabled plugins differ from nightlab.lock, and accept that with --yes. Exit 1: something is not yet.

    Examples:
      nightlab plugin lock
      nightlab plugin lock --yes --repo ../my-repo
    """
    from nightlab.controller.actions.registry import BUILT_IN, wanted
    from nightlab.controller.config.load import load_config
    from nightlab.controller.plugins.interview import interview
    from nightlab.controller.plugins.lock import Lock

    with answering(as_json):
        config = load_config(repo, env=os.environ)
        names = [each.plugin for each in wanted(config) if each.plugin not in BUILT_IN]
        answers = asyncio.run(interview(config, repo, names, say)) if names else ()
        file = Lock(repo)
        stale = [name for name in file.names if name not in config.plugins]
        changed = {each.name: each for each in answers if each.difference}
        if yes and (changed or stale):
            file.accept({name: each.pin for name, each in changed.items() if each.pin}, drop=stale)
        _show(answers, stale, yes, as_json)
        if any(each.problem for each in answers) or (not yes and (changed or stale)):
            raise typer.Exit(FAILED)


def _show(answers: Sequence[PluginAnswer], stale: Sequence[str], yes: bool, as_json: bool) -> None:
    if as_json:
        print_json({"plugins": [_json(each) for each in answers], "stale": list(stale), "accepted": yes})
        return
    for each in answers:
        name = each.name
        if each.problem:
            say(f"plugin {name} said nothing: {each.problem}")
        elif each.difference:
            print_lines(each.difference)
            say(f"plugin {name}: {'accepted' if yes else 'not accepted; `nightlab plugin lock --yes` accepts it'}")
        else:
            say(f"plugin {name}: as accepted")
    for name in stale:
        say(f"plugin {name}: {'forgotten' if yes else 'in the lock, and no longer in nightlab.toml'}")
    if not answers and not stale:
        say("no plugin of somebody else is enabled")


def _json(answer: PluginAnswer) -> dict[str, object]:
    return {"name": answer.name, "difference": answer.difference, "problem": answer.problem}
