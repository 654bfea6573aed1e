"""Holds plugins to their lock: the first use of one writes it down, a change stops it until a person accepts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.errors import ConfigError, PluginError
from nightlab.controller.plugins.lock import FILE_NAME, Lock, Pin, difference, pin_of
from nightlab.controller.plugins.source import PluginSource

REMEDY: Final = "`nightlab plugin lock` shows the change and accepts it"


class Held:
    """An `actions.hosted.Admission` by the lock of a repo.

    Attributes:
        tell: Is told of each plugin that is used for the first time.
    """

    def __init__(self, lock: Lock, sources: Mapping[str, PluginSource], tell: Callable[[str], None]) -> None:
        """Begin.

        Args:
            lock: Of the repo.
            sources: Of the plugins, by name.
            tell: See the attribute.
        """
        self._lock = lock
        self._sources = sources
        self.tell = tell

    def before(self, plugin: str) -> None:
        """Compare what it is made of.

        Raises:
            PluginError: It is something else than was accepted; nothing of it has run.
        """
        source, pin = self._sources[plugin], self._lock.of(plugin)
        if not is_pinned(source) or pin is None:
            return
        if (pin.get("kind"), pin.get("digest")) != (source.kind, source.digest):
            raise PluginError(f"plugin {plugin} has changed, so it was not started; {REMEDY}:\n{_made_of(pin, source)}")

    def listed(self, plugin: str, version: str, actions: Sequence[pb.Action]) -> None:
        """Compare what it says of itself, and write down what is used for the first time.

        Raises:
            PluginError: It says something else than was accepted.
        """
        source, pin = self._sources[plugin], self._lock.of(plugin)
        if not is_pinned(source):
            return
        now = pin_of(source, actions)
        if pin is None:
            self._accept(plugin, now)
        elif told := difference(plugin, pin, now):
            raise PluginError(f"plugin {plugin} says something else of itself than was accepted; {REMEDY}:\n{told}")

    def _accept(self, plugin: str, pin: Pin) -> None:
        try:
            self._lock.accept({plugin: pin})
        except ConfigError as error:
            self.tell(f"plugin {plugin} is used for the first time and could not be written down: {error}")
            return
        self.tell(
            f"plugin {plugin} is used for the first time: written down in {FILE_NAME}, from now on it must stay so"
        )


class Comparing:
    """An `actions.hosted.Admission` that lets everything in and keeps how it differs from the lock.

    Attributes:
        pins: Plugins as they are now, by name; nightlab's own and attached ones are not there.
        differences: How each differs from the lock, as a diff; empty where it does not.
    """

    def __init__(self, lock: Lock, sources: Mapping[str, PluginSource]) -> None:
        """Begin; arguments as of `Held`."""
        self._lock = lock
        self._sources = sources
        self.pins: dict[str, Pin] = {}
        self.differences: dict[str, str] = {}

    def before(self, plugin: str) -> None:
        """Let it in."""

    def listed(self, plugin: str, version: str, actions: Sequence[pb.Action]) -> None:
        """Keep what it says."""
        source = self._sources[plugin]
        if is_pinned(source):
            self.pins[plugin] = pin_of(source, actions)
            self.differences[plugin] = difference(plugin, self._lock.of(plugin), self.pins[plugin])


def is_pinned(source: PluginSource) -> bool:
    """Tell whether a plugin has to be accepted: nightlab's own come with it, an attached one is being worked on."""
    return source.kind in ("package", "image")


def _made_of(pin: Pin, source: PluginSource) -> str:
    """Show the part of a pin that is known before anything runs."""
    now = {**pin_of(source, ()), "actions": pin["actions"]}
    return difference(source.name, pin, now)
