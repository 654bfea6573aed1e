"""Which actions the config enables and which plugins are nightlab's own; others belong to `plugins`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError

# Served together in one worker process; a package of the same name never takes the place of one.
BUILT_IN: Final[Mapping[str, str]] = {
    "hyperparameter": "nightlab.plugins.hyperparameter:PLUGIN",
    "optimizer": "nightlab.plugins.optimizer:PLUGIN",
    "schedule": "nightlab.plugins.schedule:PLUGIN",
    "precision": "nightlab.plugins.precision:PLUGIN",
    "activation-checkpointing": "nightlab.plugins.activation_checkpointing:PLUGIN",
    "gradient-accumulation": "nightlab.plugins.gradient_accumulation:PLUGIN",
    "regularization": "nightlab.plugins.regularization:PLUGIN",
}
SET_LITERAL: Final = ("hyperparameter", "set_literal")
_HINT: Final = 'write "plugin" or "plugin/action", such as "hyperparameter"'


@dataclass(frozen=True, slots=True)
class Enabled:
    """A plugin of which at least one action is enabled.

    Attributes:
        plugin: Its name.
        actions: Enabled actions; None: all.
    """

    plugin: str
    actions: frozenset[str] | None

    def allows(self, action: str) -> bool:
        """Tell whether an action is enabled."""
        return self.actions is None or action in self.actions


def wanted(config: Config) -> tuple[Enabled, ...]:
    """Read `search.actions`, whether or not there are such plugins.

    Args:
        config: Names actions as "plugin/action", or "plugin" for all of its actions.

    Raises:
        ConfigError: A name is malformed.
    """
    chosen: dict[str, set[str] | None] = {}
    for word in config.search.actions:
        plugin, slash, action = word.partition("/")
        if not plugin or (slash and not action):
            raise ConfigError(f"search.actions: {word!r} names no plugin or no action", hint=_HINT)
        known = chosen.setdefault(plugin, set())
        if not slash or known is None:
            chosen[plugin] = None
        else:
            known.add(action)
    if config.noise.seed.kind == "literal":
        _add_set_literal(chosen)
    return tuple(Enabled(plugin, None if actions is None else frozenset(actions)) for plugin, actions in chosen.items())


def enabled(config: Config, available: Collection[str] = BUILT_IN.keys()) -> tuple[Enabled, ...]:
    """Read `search.actions` where only some plugins can be had.

    Args:
        config: See `wanted`.
        available: Names of those plugins.

    Raises:
        ConfigError: Another plugin is named, or a name is malformed.
    """
    found = wanted(config)
    unknown = [each.plugin for each in found if each.plugin not in available]
    if unknown:
        known = ", ".join(sorted(available))
        raise ConfigError(f"search.actions: there is no plugin {unknown[0]!r} here; there is {known}", hint=_HINT)
    return found


def _add_set_literal(chosen: dict[str, set[str] | None]) -> None:
    plugin, action = SET_LITERAL
    actions = chosen.setdefault(plugin, set())
    if actions is not None:
        actions.add(action)
