"""Writes behind the back of a launch: into the host's store, into a sandbox after the seal, or while the program runs.

The writer's bytes were made by the case's own tool; here they are put where it would have put them.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nightlab.controller.bench.gate.gate import Moment, Rogue
from nightlab.controller.bench.gate.ground import Place
from nightlab.controller.engine import Engine
from nightlab.controller.errors import ConfigError
from nightlab.controller.model.tree import Tree
from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest


class MeddledSpawner:
    """Spawns containers in which somebody writes right after the first seal, or while the program runs.

    Args:
        engine: That the container is on.
        place: Of the launch.
        files: What its author proposed.
        rogue: What writes.

    Raises:
        ConfigError: It writes during the run, which takes root.
    """

    def __init__(self, engine: Engine, place: Place, files: Mapping[str, bytes], rogue: Rogue) -> None:
        if rogue.moment is Moment.RUN and os.geteuid() != 0:
            raise ConfigError("only root can write into a container while it runs: run this as root, or leave it out")
        self._spawner: Spawner = place.spawner
        self._sealed = place.tree(files)
        self._written = place.tree(written(files, rogue))
        self._files = files
        self._rogue = rogue
        self._engine = engine
        self._live: Live | None = None
        self._writing: asyncio.Task[None] | None = None

    def __getattr__(self, name: str) -> Any:
        """Be the spawner in everything else."""
        return getattr(self._spawner, name)

    @asynccontextmanager
    async def spawn(self, request: SpawnRequest) -> AsyncIterator[Live]:
        """Spawn as the spawner does."""
        async with self._spawner.spawn(request) as live:
            self._live = live
            yield _meddled(live, self)
            if self._writing is not None:
                await self._writing

    async def sealed(self, live: Live) -> None:
        """Write after the seal, if this writer does."""
        if self._rogue.moment is Moment.SEALED:
            await live.sandbox.put_tree(live.site.workspace, self._written)
            if self._rogue.restores:
                await live.sandbox.put_tree(live.site.workspace, self._sealed)

    def printed(self, line: str) -> None:
        """Write while the program runs: when it says that it is up, and back when it has seen it."""
        if self._rogue.moment is not Moment.RUN or self._live is None:
            return
        if line == "up":
            self._writing = asyncio.create_task(self._write(self._live, self._rogue.files))
        elif line == "seen" and self._rogue.restores:
            before = {path: self._files.get(path) for path in self._rogue.files}
            self._writing = asyncio.create_task(self._write(self._live, before))

    async def _write(self, live: Live, files: Mapping[str, bytes | None]) -> None:
        """Write as root of this machine does, whom no file mode in the container stops."""
        state = await self._engine.state(live.container)
        root = Path(f"/proc/{state.pid}/root{live.site.workspace}")
        for path, content in files.items():
            await asyncio.to_thread(_write_over, root / path, content or b"")


class _Meddled(Live):
    __slots__ = ("is_done", "meddler")
    is_done: bool
    meddler: MeddledSpawner

    async def seal(self, tree: Tree, *args: Any, **kwargs: Any) -> Any:
        digest = await Live.seal(self, tree, *args, **kwargs)
        if not self.is_done:
            object.__setattr__(self, "is_done", True)
            await self.meddler.sealed(self)
        return digest


def _meddled(live: Live, meddler: MeddledSpawner) -> Live:
    meddled = _Meddled(live.sandbox, live.container, live.meter, live.posture, live.site)
    object.__setattr__(meddled, "meddler", meddler)
    object.__setattr__(meddled, "is_done", False)
    return meddled


def written(files: Mapping[str, bytes], rogue: Rogue) -> dict[str, bytes]:
    """Return what a writer leaves of some files."""
    after: dict[str, bytes | None] = {**files, **rogue.files}
    return {path: content for path, content in after.items() if content is not None}


def tamper(place: Place, files: Mapping[str, bytes], rogue: Rogue) -> None:
    """Write into the host's store, where a file's content lies under the hash of what it was."""
    for path, content in rogue.files.items():
        if path in files:
            sha256 = hashlib.sha256(files[path]).hexdigest()
            kept = place.state.blobs / sha256[:2] / sha256[2:]
            kept.unlink() if content is None else kept.write_bytes(content)


def _write_over(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
