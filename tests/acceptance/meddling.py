"""Somebody with every right who writes where nobody should: into a container from its host, at chosen moments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest

Meddle = Callable[[Path], None]


class Meddled(Live):
    """A container in which somebody writes right after a seal."""

    __slots__ = ("meddle", "root")

    async def seal(self, tree: Any, *, removed: Sequence[str] = (), clear: bool = False) -> str:
        digest = await Live.seal(self, tree, removed=removed, clear=clear)
        self.meddle(self.root)
        return digest


@dataclass
class MeddledSpawner:
    """Spawns such containers.

    Attributes:
        root: The root directory of the last one, as the host sees it.
    """

    spawner: Spawner
    meddle: Meddle = lambda _root: None
    root: Path = field(default_factory=Path)

    @asynccontextmanager
    async def spawn(self, request: SpawnRequest) -> AsyncIterator[Live]:
        async with self.spawner.spawn(request) as live:
            if request.role == "draft":
                yield live
                return
            self.root = outside(live)
            meddled = Meddled(live.sandbox, live.container, live.meter, live.posture, live.site)
            object.__setattr__(meddled, "meddle", self.meddle)
            object.__setattr__(meddled, "root", self.root)
            yield meddled


def outside(live: Live) -> Path:
    """Return a container's root directory as the host sees it."""
    client = docker.from_env()
    try:
        pid = client.containers.get(live.container.container_id).attrs["State"]["Pid"]
    finally:
        client.close()
    return Path(f"/proc/{pid}/root")


def once(meddle: Meddle) -> Meddle:
    """Meddle the first time only."""
    left = [meddle]

    def first(root: Path) -> None:
        if left:
            left.pop()(root)

    return first
