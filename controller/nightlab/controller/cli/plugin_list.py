"""`nightlab plugin list`: which plugins there are."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nightlab.controller.cli.output import JsonFlag, answering, print_json, print_lines, say
from nightlab.controller.cli.target import HERE, RepoOption

if TYPE_CHECKING:
    from nightlab.controller.plugins.inventory import PluginEntry


def list_plugins(repo: RepoOption = HERE, as_json: JsonFlag = False) -> None:
    """List plugins: nightlab's own, those of the repo's config, and what is only installed. None is started.

    Examples:
      nightlab plugin list
      nightlab plugin list --repo ../my-repo --json
    """
    from nightlab.controller.report.plugins import plugin_table, remarks

    with answering(as_json):
        entries = _entries(repo)
        if as_json:
            print_json(entries)
            return
        print_lines(plugin_table(entries))
        for remark in remarks(entries):
            say(f"\n{remark}")


def _entries(repo: Path) -> tuple[PluginEntry, ...]:
    from nightlab.controller.config.load import load_config
    from nightlab.controller.engine import connect
    from nightlab.controller.errors import EngineError
    from nightlab.controller.plugins.catalog import Catalog
    from nightlab.controller.plugins.images import inspecting
    from nightlab.controller.plugins.inventory import inventory
    from nightlab.controller.plugins.lock import Lock

    config = load_config(repo, env=os.environ)
    with ExitStack() as stack:
        inspect = None
        if any(table.image for table in config.plugins.values()):
            try:
                _, client = connect()
                stack.callback(client.close)
                inspect = inspecting(client)
            except EngineError as error:
                say(f"images are not looked at: {error}")
        return inventory(config, Catalog(config, inspect=inspect, env=os.environ), Lock(repo))
