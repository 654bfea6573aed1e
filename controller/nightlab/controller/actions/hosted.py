"""One enabled plugin as the host holds it, and who decides whether what it lists may be used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.grant import Grant
from nightlab.controller.actions.worker import PluginWorker

Completer = Callable[[str, pb.CompletionRequest], Awaitable[str]]
"""Asks the study's language model for a plugin, whose name comes first, and returns the text of the answer."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A plugin and the user's word on it.

    Attributes:
        worker: Makes its calls.
        grant: What it may see and change; None, for nightlab's own: whatever is editable.
        settings: A JSON object as text, sent with every call.
        digest: What it is made of; empty where nothing names it.
        is_fixed: Whether it stays the same in a night, so that its answers may be remembered.
    """

    worker: PluginWorker
    grant: Grant | None = None
    settings: str = "{}"
    digest: str = ""
    is_fixed: bool = True

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.worker.plugin


class Admission(Protocol):
    """Compares plugins with what a person has accepted of them."""

    def before(self, plugin: str) -> None:
        """Decide on what it is made of, before anything of it runs.

        Raises:
            PluginError: It has changed.
        """
        ...

    def listed(self, plugin: str, version: str, actions: Sequence[pb.Action]) -> None:
        """Decide on what it says of itself.

        Raises:
            PluginError: It has changed; the text shows how.
        """
        ...


class Open:
    """Admits every plugin: nightlab's own come with nightlab."""

    def before(self, plugin: str) -> None:
        """Admit it."""

    def listed(self, plugin: str, version: str, actions: Sequence[pb.Action]) -> None:
        """Admit it."""
