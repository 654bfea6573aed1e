"""Where programs of one image are launched: its site, made as a study makes it, and fresh state for every launch."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nightlab.controller.bench.gate.cases import ENTRY
from nightlab.controller.config.schema import Config, MiB
from nightlab.controller.engine import Engine
from nightlab.controller.images.toolbox import Toolbox
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.trial.spawn import Spawner

REGULAR: Final = 0o100644
TIMEOUT_S: Final = 60
# The corpus was confirmed with these: a set's order, for one, depends on the first.
ENV: Final = {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True, slots=True)
class Place:
    """State of one launch, so that what is done to its files reaches no other.

    Attributes:
        state: Its directory.
        blobs: Its contents.
        history: Its edits, and where damaged contents are had again.
        spawner: Makes its containers.
        number: Unique on its ground.
    """

    state: StateDir
    blobs: BlobStore
    history: History
    spawner: Spawner
    number: int

    def tree(self, files: Mapping[str, bytes]) -> Tree:
        """Store files, not yet committed, and return their tree."""
        stored = ((path, content, self.blobs.put(content)) for path, content in files.items())
        return Tree.of(Entry(path, REGULAR, len(content), sha256) for path, content, sha256 in stored)

    def propose(self, files: Mapping[str, bytes]) -> Tree:
        """Store files and commit them with an author, as a study does, before anything else can touch them."""
        tree = self.tree(files)
        self.commit(tree, "agent", "propose")
        return tree

    def commit(self, tree: Tree, author: str, message: str) -> str:
        """Record a tree in the host-owned history; return the commit."""
        return self.history.commit(tree, parent=None, author=author, message=message, at=datetime.now(UTC))


@dataclass(frozen=True)
class Ground:
    """A study without a policy, of which every trial has a state of its own.

    Attributes:
        config: Small limits.
        site: Of the image.
        engine: Makes the containers.
        toolbox: Mounted into them.
        folder: Holds the states.
        study_id: Part of all names.
    """

    config: Config
    site: Site
    engine: Engine
    toolbox: Toolbox
    folder: Path
    study_id: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Make a state and remove it in the end."""
        number = next(self.numbers)
        folder = self.folder / f"{self.study_id}-{number}"
        folder.mkdir()
        try:
            state = StateDir.of_repo(folder)
            state.create()
            blobs = BlobStore(state.blobs)
            spawner = Spawner(self.config, self.engine, self.toolbox, blobs, state, self.study_id)
            spawner.site = self.site
            yield Place(state, blobs, History(state.history, blobs), spawner, number)
        finally:
            shutil.rmtree(folder)


async def make_ground(engine: Engine, toolbox: Toolbox, image: str, folder: Path, study_id: str) -> Ground:
    """Make the site of an image.

    Args:
        engine: An open engine.
        toolbox: A ready one.
        image: Tag.
        folder: Empty and private.
        study_id: Short and lowercase; unique on the engine.
    """
    config = config_of(image)
    state = StateDir.of_repo(folder)
    await asyncio.to_thread(state.create)
    blobs = BlobStore(state.blobs)
    spawner = Spawner(config, engine, toolbox, blobs, state, study_id)
    content = b"print('result: a site')\n"
    base = Tree.of([Entry(ENTRY, REGULAR, len(content), blobs.put(content))])
    site, _ = await SiteMaker(config, engine, state, study_id, spawner, lambda _line: None).make(base)
    return Ground(config, site, engine, toolbox, folder, study_id)


def config_of(image: str) -> Config:
    """Return the config of all launches."""
    limits = {"memory": 1024 * MiB, "shm": 16 * MiB, "tmp": 32 * MiB, "workspace_size": 32 * MiB}
    return Config.model_validate(
        {
            "name": "gate",
            "image": {"name": image, "workspace": "/app"},
            "train": {"command": ["python3", ENTRY], "timeout": TIMEOUT_S, "env": ENV, **limits},
            "objectives": [{"name": "result", "measure": {"source": "regex", "pattern": r"^result: (\S+)$"}}],
            "smoke": {"enabled": True, "command": ["python3", ENTRY], "timeout": TIMEOUT_S},
        }
    )
