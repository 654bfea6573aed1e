"""Which plugins there are and where each comes from. The config enables; what is installed or labelled only asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from nightlab.controller.actions.registry import BUILT_IN, wanted
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError, NightlabError
from nightlab.controller.plugins.asked import Asked, table_of
from nightlab.controller.plugins.images import Inspect, image_source
from nightlab.controller.plugins.packages import Advertised, advertised, package_source
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.version import VERSION

ATTACH: Final = "NIGHTLAB_ATTACH_"
NO_ENV: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resolved:
    """A plugin that can be started.

    Attributes:
        source: Where it comes from.
        asked: What it asks for before it runs.
    """

    source: PluginSource
    asked: Asked = field(default_factory=Asked)


class Catalog:
    """The plugins of one config on one machine."""

    def __init__(self, config: Config, *, inspect: Inspect | None = None, env: Mapping[str, str] = NO_ENV) -> None:
        """Look at nothing yet.

        Args:
            config: Its tables and `search.actions` say what is enabled.
            inspect: Asks the engine about images; None: there is no engine.
            env: With NIGHTLAB_ATTACH_<NAME> for plugins that run already.
        """
        self._config = config
        self._inspect = inspect
        self._env = env

    def enabled(self) -> tuple[Resolved, ...]:
        """Resolve every plugin that `search.actions` names.

        Raises:
            ConfigError: One is not there or not enabled; the hint says what to write.
            EngineError: The engine does not answer.
        """
        return tuple(self.resolve(each.plugin) for each in wanted(self._config))

    def names(self) -> tuple[str, ...]:
        """Return names of all plugins that are nightlab's own, have a table, or are advertised."""
        return tuple(dict.fromkeys((*BUILT_IN, *self._config.plugins, *(each.name for each in advertised()))))

    def resolve(self, name: str) -> Resolved:
        """Find one plugin.

        Raises:
            ConfigError: It is not there, or has no table; the hint says what to write.
            EngineError: The engine does not answer.
        """
        table = self._config.plugins.get(name)
        if name in BUILT_IN and table is not None and (table.image or table.package):
            raise ConfigError(f"plugins.{name}: this is nightlab's own plugin", hint="give the other one another name")
        socket = self._env.get(attach_variable(name), "")
        if socket and (name in BUILT_IN or table is not None):
            return Resolved(PluginSource(name, "attached", socket=socket))
        if name in BUILT_IN:
            return Resolved(PluginSource(name, "built-in", version=VERSION, target=BUILT_IN[name]))
        if table is None:
            raise self._not_enabled(name)
        if table.package:
            return Resolved(*package_source(name, table.package))
        if table.image:
            return Resolved(*self._image(name))
        raise ConfigError(
            f"plugins.{name} says neither package nor image",
            hint=f"set one of them, or {attach_variable(name)} to the socket of a plugin that runs already",
        )

    def _image(self, name: str) -> tuple[PluginSource, Asked]:
        if self._inspect is None:
            raise ConfigError(
                f"plugins.{name}.image: no container engine was asked", hint="start one; `nightlab doctor`"
            )
        return image_source(name, self._config.plugins[name], self._inspect)

    def _not_enabled(self, name: str) -> ConfigError:
        installed = [each for each in advertised() if each.name == name]
        if not installed:
            return ConfigError(
                f"search.actions: there is no plugin {name!r}; there is {', '.join(sorted(self.names()))}",
                hint=f"install a package that has it, or name its image in [plugins.{name}]",
            )
        return ConfigError(
            f"search.actions: plugin {name!r} is installed ({installed[0].package}) but not enabled",
            hint=f"read what it asks for, then add to nightlab.toml:\n{suggested(installed[0])}",
        )


def attach_variable(name: str) -> str:
    """Return the environment variable that names the socket of a plugin that runs already."""
    return f"{ATTACH}{name.upper().replace('-', '_')}"


def suggested(entry: Advertised) -> str:
    """Write the table that would enable an advertised plugin."""
    try:
        asked = package_source(entry.name, entry.package)[1]
    except NightlabError:
        asked = Asked()
    return table_of(entry.name, ("package", entry.package), asked)
