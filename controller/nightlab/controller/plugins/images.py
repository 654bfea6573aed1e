"""Container images that serve a plugin: resolved to an id, with the labels that ask for permissions."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

import docker
import docker.errors

from nightlab.controller.config.plugin import Plugin
from nightlab.controller.engine.calls import engine_errors
from nightlab.controller.errors import ConfigError
from nightlab.controller.plugins.asked import Asked, from_labels
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.text import inert

LABEL: Final = "nightlab.plugin."
Inspect = Callable[[str], Mapping[str, Any] | None]
"""Asks the engine about an image; None if there is none. Raises EngineError."""


def inspecting(client: docker.DockerClient) -> Inspect:
    """Ask an engine.

    Args:
        client: Stays open as long as it is asked.
    """

    def inspect(reference: str) -> Mapping[str, Any] | None:
        with engine_errors(f"look at image {reference}"):
            try:
                attrs: Mapping[str, Any] = client.images.get(reference).attrs
            except docker.errors.ImageNotFound:
                return None
        return attrs

    return inspect


def image_source(name: str, table: Plugin, inspect: Inspect) -> tuple[PluginSource, Asked]:
    """Resolve a plugin of an image.

    Args:
        name: Of the plugin.
        table: The user's, with an image.
        inspect: Asks the engine.

    Raises:
        ConfigError: The image is not on the engine.
        EngineError: The engine does not answer.
    """
    answer = inspect(table.image)
    if answer is None:
        raise ConfigError(
            f"plugins.{name}.image: the engine has no image {table.image!r}",
            hint=f"get it before the night, nothing is pulled then: docker pull {table.image}",
        )
    labels = (answer.get("Config") or {}).get("Labels") or {}
    image_id = str(answer["Id"])
    source = PluginSource(
        name,
        "image",
        version=inert(str(labels.get(f"{LABEL}version", "")), 60),
        digest=image_id,
        image_id=image_id,
        command=_words(name, table.command),
    )
    return source, from_labels(labels.get(f"{LABEL}reads"), labels.get(f"{LABEL}writes"))


def _words(name: str, command: str | tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(command, str):
        return command
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise ConfigError(f"plugins.{name}.command: {error}", hint="or write it as a list of words") from error
