"""Lists the plugins of a config without starting one: where each comes from, whether it is enabled and accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from nightlab.controller.actions.registry import BUILT_IN, Enabled, wanted
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError, EngineError
from nightlab.controller.plugins.catalog import Catalog, Resolved, suggested
from nightlab.controller.plugins.lock import Lock, Pin
from nightlab.controller.plugins.packages import Advertised, advertised
from nightlab.controller.plugins.source import PluginSource

Use = Literal["enabled", "off", "installed"]
Accepted = Literal["", "accepted", "not yet", "changed"]
OWN: Final = "nightlab"


@dataclass(frozen=True, slots=True)
class PluginEntry:
    """One plugin.

    Attributes:
        name: Of the plugin.
        use: "enabled" by search.actions, "off" if it could be, "installed" if it has no table yet.
        kind: "built-in", "package", "image" or "attached"; empty if it cannot be told.
        origin: Of what: "nightlab", a distribution, an image's reference, a socket.
        version: For people.
        actions: Enabled ones; empty: all, if it is enabled at all.
        lock: Whether the lock holds what it is made of; what it says of itself is compared when it starts.
        problem: Why it cannot be used; empty if nothing is known.
        remedy: What to do about it, or what to write to enable it.
    """

    name: str
    use: Use
    kind: str = ""
    origin: str = ""
    version: str = ""
    actions: tuple[str, ...] = ()
    lock: Accepted = ""
    problem: str = ""
    remedy: str = ""


def inventory(config: Config, catalog: Catalog, lock: Lock) -> tuple[PluginEntry, ...]:
    """List plugins: enabled ones in the config's order, then what is off, then what is only installed.

    Args:
        config: Of a repo.
        catalog: Of that config.
        lock: Of that repo.

    Raises:
        ConfigError: search.actions has a malformed name.
    """
    enabled = {each.plugin: each for each in wanted(config)}
    installed = {each.name: each for each in advertised()}
    known = [*BUILT_IN, *config.plugins]
    named = list(dict.fromkeys([*enabled, *known]))
    entries = [_entry(name, config, catalog, lock, enabled.get(name)) for name in named]
    return (*entries, *(_installed(each) for name, each in installed.items() if name not in named))


def _entry(name: str, config: Config, catalog: Catalog, lock: Lock, enabled: Enabled | None) -> PluginEntry:
    use: Use = "enabled" if enabled else "off"
    actions = tuple(sorted(enabled.actions or ())) if enabled else ()
    try:
        resolved = catalog.resolve(name)
    except (ConfigError, EngineError) as error:
        kind, origin = _said(name, config)
        return PluginEntry(name, use, kind, origin, "", actions, "", str(error), error.hint or "")
    source = resolved.source
    return PluginEntry(
        name, use, source.kind, _origin(resolved, config), source.version, actions, accepted(source, lock.of(name))
    )


def accepted(source: PluginSource, pin: Pin | None) -> Accepted:
    """Tell whether what a plugin is made of is what a person accepted; empty for one that needs no lock."""
    if source.kind not in ("package", "image"):
        return ""
    if pin is None:
        return "not yet"
    return "accepted" if (pin.get("kind"), pin.get("digest")) == (source.kind, source.digest) else "changed"


def _said(name: str, config: Config) -> tuple[str, str]:
    table = config.plugins.get(name)
    if table is None:
        return "", ""
    origins: Mapping[str, str] = {"package": table.package, "image": table.image}
    return next(((kind, origin) for kind, origin in origins.items() if origin), ("", ""))


def _origin(resolved: Resolved, config: Config) -> str:
    source = resolved.source
    if source.kind == "built-in":
        return OWN
    return source.socket or _said(source.name, config)[1]


def _installed(entry: Advertised) -> PluginEntry:
    version = entry.distribution.version[:60]
    return PluginEntry(entry.name, "installed", "package", entry.package, version, remedy=suggested(entry))
