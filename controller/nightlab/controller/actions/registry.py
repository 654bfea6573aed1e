"""Which plugins are installed and which actions the config enables, read from metadata without importing any plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError

GROUP: Final = "nightlab.plugins"
BUILT_IN: Final[Mapping[str, str]] = {
    "hyperparameter": "nightlab.plugins.hyperparameter:PLUGIN",
    "precision": "nightlab.plugins.precision:PLUGIN",
    "activation-checkpointing": "nightlab.plugins.activation_checkpointing:PLUGIN",
    "gradient-accumulation": "nightlab.plugins.gradient_accumulation:PLUGIN",
    "regularization": "nightlab.plugins.regularization:PLUGIN",
}
SET_LITERAL: Final = ("hyperparameter", "set_literal")


@dataclass(frozen=True, slots=True)
class Enabled:
    """A plugin of which at least one action is enabled.

    Attributes:
        plugin: Its name.
        target: "module:attribute", imported in the worker only.
        actions: Enabled actions; None: all.
    """

    plugin: str
    target: str
    actions: frozenset[str] | None

    def allows(self, action: str) -> bool:
        """Tell whether an action is enabled."""
        return self.actions is None or action in self.actions


def installed() -> dict[str, str]:
    """Return "module:attribute" by plugin name; nightlab's own cannot be replaced by a package of the same name."""
    return {each.name: each.value for each in entry_points(group=GROUP)} | dict(BUILT_IN)


def enabled(config: Config, available: Mapping[str, str] | None = None) -> tuple[Enabled, ...]:
    """Read `search.actions`.

    Args:
        config: Names actions as "plugin/action", or "plugin" for all of its actions.
        available: Targets by plugin name; None: what is installed.

    Raises:
        ConfigError: A plugin is not installed or a name is malformed.
    """
    targets = installed() if available is None else available
    chosen: dict[str, set[str] | None] = {}
    for word in config.search.actions:
        plugin, slash, action = word.partition("/")
        if plugin not in targets or (slash and not action):
            raise ConfigError(
                f"search.actions: {word!r} names no installed plugin; installed: {', '.join(sorted(targets))}",
                hint='write "plugin" or "plugin/action", such as "hyperparameter"',
            )
        known = chosen.setdefault(plugin, set())
        if not slash or known is None:
            chosen[plugin] = None
        else:
            known.add(action)
    if config.noise.seed.kind == "literal":
        _add_set_literal(chosen)
    return tuple(
        Enabled(plugin, targets[plugin], None if actions is None else frozenset(actions))
        for plugin, actions in chosen.items()
    )


def _add_set_literal(chosen: dict[str, set[str] | None]) -> None:
    plugin, action = SET_LITERAL
    actions = chosen.setdefault(plugin, set())
    if actions is not None:
        actions.add(action)
