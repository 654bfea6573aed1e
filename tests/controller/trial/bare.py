"""Whole walks without an engine: the real supervisor in a directory, the real seal, ruff and explainer.

Nothing contains the run here, so only harmless programs are walked. Every uid is one that nothing else on this machine
uses: the end of a job ends all processes of its uid.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ruff import find_ruff_bin
from tests.controller.link.conftest import Link
from tests.controller.study.rehearsal import config

from nightlab.controller.engine import Reading
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.model.site import Place, Share, Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Role, TrialOutcome, TrialSpec
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.interpreter import requires_python
from nightlab.controller.trial.spawn import Live, SpawnRequest
from nightlab.controller.trial.walk import TrialWalk

Meddle = Callable[[Path], None]


class NoMeter:
    """Measures nothing."""

    def mark_launch(self) -> None:
        """Take no baseline."""

    def stop(self) -> Reading:
        """Return that nothing was sampled."""
        return Reading(None, 0, None, 0, None, 0.0, 0)


class BareLive(Live):
    """A supervisor in a directory in which somebody with every right writes right after each seal."""

    __slots__ = ("editor", "meddle")

    @property
    def ruff(self) -> str:
        """Path of this environment's ruff."""
        return str(find_ruff_bin())

    async def seal(self, tree: Tree, *, removed: Sequence[str] = (), clear: bool = False) -> str:
        """Seal, then let somebody write."""
        digest = await Live.seal(self, tree, removed=removed, clear=clear)
        self.meddle(Path(self.site.workspace))
        return digest

    async def run_tool(self, name: str, argv: Sequence[str], *, cwd: str, uid: int, timeout_s: float) -> bytes:
        """Run a tool as a uid of this test's own."""
        return await Live.run_tool(self, name, argv, cwd=cwd, uid=self.editor, timeout_s=timeout_s)


@dataclass
class BareSpawner:
    """Spawns one sandbox in a directory."""

    link: Link
    site: Site
    editor: int
    meddle: Meddle

    @asynccontextmanager
    async def spawn(self, _request: SpawnRequest | None = None) -> AsyncIterator[Live]:
        """Link a supervisor."""
        async with self.link.sandbox() as sandbox:
            live = BareLive(sandbox, None, NoMeter(), {"level": "none"}, self.site)  # type: ignore[arg-type]
            object.__setattr__(live, "editor", self.editor)
            object.__setattr__(live, "meddle", self.meddle)
            yield live


@dataclass(frozen=True)
class BareGround:
    """Where trials are walked."""

    link: Link
    state: StateDir
    blobs: BlobStore
    explainer: Explainer
    new_uid: Callable[[], int]

    def tree(self, files: Mapping[str, str]) -> Tree:
        """Store files and return their tree."""
        entries = [(path, text.encode()) for path, text in files.items()]
        return Tree.of(Entry(path, 0o100644, len(text), self.blobs.put(text)) for path, text in entries)

    async def walk(
        self,
        tree: Tree,
        *,
        base: Tree | None = None,
        meddle: Meddle = lambda _workspace: None,
        line: Callable[[str], None] = lambda _line: None,
    ) -> TrialOutcome:
        """Walk one attempt of `sh train.sh`, whose own Python is only read.

        Args:
            tree: What is proposed.
            base: The base tree; None: everything is new.
            meddle: Writes into the workspace after each seal.
            line: Hears what the run prints.
        """
        spawner = self._spawner(meddle)
        site, env = spawner.site, {"PATH": os.defpath}
        spec = TrialSpec("bare", 1, 1, Role.SEARCH, tree, None, ("sh", "train.sh"), env, site.workdir)
        walk = TrialWalk(
            config(),
            site,
            spawner,  # type: ignore[arg-type]
            self.state,
            (),
            blobs=self.blobs,
            explainer=self.explainer,
            base=base,
            requires_python=requires_python(base or tree, self.blobs),
        )
        return await walk.run(
            spec, Share(), stop=asyncio.Event(), emit=lambda _phase, _text: None, line=line, author=None
        )

    def live(self) -> AbstractAsyncContextManager[Live]:
        """Return a sandbox in which nobody meddles."""
        return self._spawner(lambda _workspace: None).spawn()

    def output(self, outcome: TrialOutcome) -> str:
        """Return what the run printed; empty if nothing was launched."""
        log = self.state.root / outcome.log_path
        return log.read_text() if log.exists() else ""

    def _spawner(self, meddle: Meddle) -> BareSpawner:
        root, uid = str(self.link.workspace), self.new_uid()
        place = Place(root, "workspace", 2**24)
        site = Site("", {}, (), (), "", uid, uid, "nightlab", root, root, root, (place,), modules=("json",))
        return BareSpawner(self.link, site, self.new_uid(), meddle)
