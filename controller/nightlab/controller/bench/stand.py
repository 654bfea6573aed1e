"""What cases share: an engine, the toolbox, a small image, a site made as a study makes it."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nightlab.controller.bench.bare import Bare
from nightlab.controller.config.schema import Config, MiB
from nightlab.controller.engine import Engine
from nightlab.controller.images.base import ensure_base
from nightlab.controller.images.toolbox import Toolbox, ensure_toolbox
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.trial.spawn import Spawner, SpawnRequest
from nightlab.controller.trial.walk import TrialWalk

REGULAR: Final = 0o100644
PATH: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Stand:
    """A study without a policy.

    Attributes:
        config: Small limits; the training command is each case's own.
        site: Of the base image.
        tree: A few real Python files, so that the gate has something to read.
        findings: What ruff says of them.
        bare: The peer.
    """

    study_id: str
    state: StateDir
    config: Config
    engine: Engine
    toolbox: Toolbox
    blobs: BlobStore
    spawner: Spawner
    site: Site
    tree: Tree
    findings: tuple[Finding, ...]
    bare: Bare
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def request(self, role: str = "trial") -> SpawnRequest:
        """Return a container that there was not yet."""
        return SpawnRequest(name=f"nightlab-{self.study_id}-b{next(self.numbers)}", role=role)

    def walk(self) -> TrialWalk:
        """Return the walk of this study's trials."""
        return TrialWalk(self.config, self.site, self.spawner, self.state, self.findings)

    def add_file(self, path: str, content: bytes) -> Tree:
        """Store a content and return the tree that has it alone."""
        return Tree.of([Entry(path, REGULAR, len(content), self.blobs.put(content))])


def config_of(image: str) -> Config:
    """Return the config of the benchmarks."""
    values = {
        "name": "bench",
        "image": {"name": image},
        "train": {
            "command": ["true"],
            "timeout": 300,
            "memory": 128 * MiB,
            "shm": 16 * MiB,
            "tmp": 16 * MiB,
            "workspace_size": 64 * MiB,
        },
        "objectives": [{"name": "loss", "measure": {"source": "regex", "pattern": r"^loss: (\S+)$"}}],
    }
    return Config.model_validate(values)


@asynccontextmanager
async def open_stand(say: Say) -> AsyncIterator[Stand]:
    """Make the stand; at the end nothing of it is left on the engine or the machine."""
    with tempfile.TemporaryDirectory(prefix="nightlab-bench-") as folder:
        state = StateDir.of_repo(Path(folder))
        state.create()
        engine = await Engine.open(state.root)
        try:
            stand = await _prepare(state, engine, say)
            try:
                yield stand
            finally:
                stand.bare.close()
        finally:
            for problem in await engine.remove_leftovers(await engine.leftovers()):
                say(f"left behind: {problem}")
            await engine.close()


async def _prepare(state: StateDir, engine: Engine, say: Say) -> Stand:
    image = await asyncio.to_thread(ensure_base, engine.client, progress=say)
    toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=say)
    config, blobs, study_id = config_of(image), BlobStore(state.blobs), f"bench-{secrets.token_hex(2)}"
    tree = _own_sources(blobs)
    spawner = Spawner(config, engine, toolbox, blobs, state, study_id)
    site, findings = await SiteMaker(config, engine, state, study_id, spawner, say).make(tree)
    bare = Bare(engine, image)
    return Stand(study_id, state, config, engine, toolbox, blobs, spawner, site, tree, findings, bare)


def _own_sources(blobs: BlobStore) -> Tree:
    """Return the sources of this package as a tree."""
    stored = {path.name: blobs.put_file(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
    return Tree.of(Entry(name, REGULAR, blob.size, blob.sha256) for name, blob in stored.items())
