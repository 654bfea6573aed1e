"""Puts the action host of a study together: each enabled plugin where it runs, with its grant, held to its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from nightlab.controller.actions.attached import AttachedRuntime
from nightlab.controller.actions.grant import Grant
from nightlab.controller.actions.host import NO_STATES, ActionHost
from nightlab.controller.actions.hosted import Admission, Completer, Hosted
from nightlab.controller.actions.own import own_workers, settings_json
from nightlab.controller.actions.registry import BUILT_IN
from nightlab.controller.actions.runtime import PluginRuntime
from nightlab.controller.actions.worker import Patience, PluginWorker
from nightlab.controller.config.plugin import Plugin
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError
from nightlab.controller.plugins.admission import Held
from nightlab.controller.plugins.catalog import Resolved
from nightlab.controller.plugins.lock import Lock
from nightlab.controller.plugins.source import PluginSource

Contain = Callable[[PluginSource, Plugin], PluginRuntime]
"""Plans a container for one life of a plugin, with the limits of its table."""
AT_A_BREAKPOINT: Final = Patience(start_s=3600.0, call_s=3600.0)
RESERVED: Final = frozenset({"frozen", "tunable", "editable", "protected"})


def action_host(
    config: Config,
    resolved: Sequence[Resolved],
    *,
    folder: Path,
    state_dir: Path,
    contain: Contain | None,
    admission: Admission | None = None,
    states: Mapping[str, bytes] = NO_STATES,
    completer: Completer | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> ActionHost:
    """Make the host of the plugins that a config enables; nothing is started.

    Args:
        config: Of the study.
        resolved: What its `search.actions` names; see `Catalog.enabled`.
        folder: Where nightlab.toml and the lock lie.
        state_dir: The study's directory.
        contain: Where plugins of others run; None: nowhere, as long as there is none.
        admission: Who compares plugins with the lock; None: the lock holds.
        states: Of plugins by name.
        completer: Asks the study's language model for a plugin.
        tell: Is called with each thing that a person should know of a plugin.

    Raises:
        ConfigError: The lock cannot be read, a setting of a plugin has a reserved name, or there is no `contain`.
    """
    sources = {each.source.name: each.source for each in resolved}
    held = admission or Held(Lock(folder), sources, tell)
    own = own_workers(config, [name for name, source in sources.items() if source.kind == "built-in"])
    hosted = [_hosted(config, source, own, contain) for source in sources.values()]
    host = ActionHost(
        config, state_dir=state_dir, hosted=hosted, admission=held, states=states, completer=completer, tell=tell
    )
    if isinstance(held, Held):
        held.tell = host.note
    for name, source in sources.items():
        if source.kind == "attached":
            host.note(f"plugin {name} is attached at {source.socket}: it is held to no lock and not contained")
    return host


def grant_of(config: Config, name: str) -> Grant:
    """Return what the config grants a plugin; nothing without a table."""
    table = config.plugins.get(name, Plugin())
    return Grant(f"plugins.{name}", table.reads, table.writes, table.completion_tokens, table.state)


def _hosted(config: Config, source: PluginSource, own: Mapping[str, PluginWorker], contain: Contain | None) -> Hosted:
    name, table = source.name, config.plugins.get(source.name, Plugin())
    reserved = sorted(RESERVED & table.settings.keys())
    if reserved:
        raise ConfigError(
            f"plugins.{name}.settings.{reserved[0]}: the name is taken by what every plugin is told of the config",
            hint=f"taken are {', '.join(sorted(RESERVED))}",
        )
    is_own = name in BUILT_IN
    return Hosted(
        own.get(name) or _worker(source, table, contain),
        grant=None if is_own else grant_of(config, name),
        settings=settings_json(config, table.settings),
        digest=source.digest,
        is_fixed=source.kind != "attached",
    )


def _worker(source: PluginSource, table: Plugin, contain: Contain | None) -> PluginWorker:
    if source.kind == "attached":
        return PluginWorker(source.name, partial(AttachedRuntime, source.socket), patience=AT_A_BREAKPOINT)
    if contain is None:
        raise ConfigError(f"plugins.{source.name} runs in a container, and here is no engine to start one")
    patience = Patience(start_s=table.start_timeout, call_s=table.call_timeout)
    return PluginWorker(source.name, partial(contain, source, table), patience=patience)
