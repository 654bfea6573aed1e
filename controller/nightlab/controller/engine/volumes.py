"""Volumes of ours: size-limited workspaces and data, and plain ones that are filled once and then only read.

All calls block and are idempotent by name; `engine.Engine` runs them on threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import docker
import docker.errors

from nightlab.controller.engine import loops
from nightlab.controller.engine.calls import engine_errors
from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.policy import tmpfs_options
from nightlab.controller.engine.spec import NAME, Labels
from nightlab.controller.errors import ConfigError, EngineError

Kind = Literal["loop", "tmpfs", "plain"]
LOOP_OPTIONS: Final = "nosuid,nodev,noatime"


@dataclass(frozen=True, slots=True)
class WorkspaceVolume:
    """A volume that can be mounted.

    Attributes:
        name: For a VolumeMount.
        kind: "loop" is a file system of its own on disk, "tmpfs" is memory and ends with its container, "plain" is a
            directory of the engine without a limit.
        size_bytes: Its limit; 0: none.
    """

    name: str
    kind: Kind
    size_bytes: int

    @property
    def memory_bytes(self) -> int:
        """What it adds to a container's memory limit."""
        return self.size_bytes if self.kind == "tmpfs" else 0


class Volumes:
    """The volumes of one state directory.

    Args:
        client: Of the engine; stays the caller's.
        facts: Of the engine.
        folder: Where images of loop volumes lie, below the state directory.
    """

    def __init__(self, client: docker.DockerClient, facts: EngineFacts, folder: Path) -> None:
        self._client = client
        self._facts = facts
        self._folder = folder.resolve()

    def choose_kind(self, wanted: Literal["auto", "loop", "tmpfs"]) -> Kind:
        """Decide how a workspace is limited.

        Raises:
            ConfigError: A loop device was asked for and cannot be had.
        """
        problem = "the engine is rootless" if self._facts.rootless else loops.loop_problem()
        if wanted == "loop" and problem:
            raise ConfigError(f'security.workspace = "loop": {problem}; use "auto" or "tmpfs"')
        return "tmpfs" if wanted == "tmpfs" or problem else "loop"

    def make_limited(self, name: str, size_bytes: int, kind: Kind, labels: Labels) -> WorkspaceVolume:
        """Make an empty volume of a given size whose root is root's and has mode 1777, or find it.

        Raises:
            EngineError: No space, or the engine refused.
        """
        if kind == "loop":
            self._ensure(name, self._loop_options(name, size_bytes), labels)
        elif kind == "tmpfs":
            self._ensure(name, _tmpfs(size_bytes), labels)
        else:
            self._ensure(name, {}, labels)
            return WorkspaceVolume(name, kind, 0)
        return WorkspaceVolume(name, kind, size_bytes)

    def make_plain(self, name: str, labels: Labels) -> WorkspaceVolume:
        """Make a volume without a limit, for what is filled once by ourselves, or find it.

        Raises:
            EngineError: The engine refused.
        """
        return self.make_limited(name, 0, "plain", labels)

    def remove(self, name: str) -> None:
        """Remove a volume with its loop device and image. None of them need exist.

        Raises:
            EngineError: A container still uses it.
        """
        with engine_errors(f"remove volume {name}"), suppress(docker.errors.NotFound):
            self._client.api.remove_volume(name, force=True)
        loops.detach(self.image_path(name))

    def image_path(self, name: str) -> Path:
        """Say where the image of a loop volume lies.

        Raises:
            EngineError: It is no name of a volume: a path made of it could lie anywhere.
        """
        if NAME.fullmatch(name) is None:
            raise EngineError(f"{name!r} is not the name of a volume")
        return self._folder / f"{name}.img"

    def _loop_options(self, name: str, size_bytes: int) -> dict[str, str]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.image_path(name)
        if not path.exists():
            loops.make_image(path, size_bytes)
        return {"type": "ext4", "device": loops.attach(path), "o": LOOP_OPTIONS}

    def _ensure(self, name: str, options: Mapping[str, str], labels: Labels) -> None:
        """Create a volume. One of other options is made anew: after a reboot a loop device may be another's."""
        found = self._inspect(name)
        if found is not None and (found.get("Options") or {}) != dict(options):
            with engine_errors(f"replace volume {name}"):
                self._client.api.remove_volume(name)
            found = None
        if found is None:
            with engine_errors(f"create volume {name}"):
                self._client.api.create_volume(name, "local", dict(options), labels.as_dict())
        elif (found.get("Labels") or {}).get("nightlab.study") != labels.study:
            raise EngineError(f"volume {name} exists and is not of study {labels.study}; rename or remove it")

    def _inspect(self, name: str) -> dict[str, Any] | None:
        with engine_errors(f"inspect volume {name}"):
            try:
                answer: dict[str, Any] = self._client.api.inspect_volume(name)
            except docker.errors.NotFound:
                return None
            return answer


def _tmpfs(size_bytes: int) -> dict[str, str]:
    return {"type": "tmpfs", "device": "tmpfs", "o": tmpfs_options(size_bytes)}
