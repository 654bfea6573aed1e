"""A place for smoke runs of a working tree: image, site and one share of the machine, made as a study makes them.

Opened only where the user asks for a smoke run. Nothing of it is left on the engine but the image; contents and logs
lie in the repo's state directory, as those of a study do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from nightlab.api.digest import REGULAR
from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.errors import RepoError
from nightlab.controller.explain.orders import Files
from nightlab.controller.images.toolbox import ensure_toolbox
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Ending
from nightlab.controller.proof.observation import Observation
from nightlab.controller.proof.oracle import Comparison
from nightlab.controller.proof.paired import paired
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.store import Lock
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.begin import new_study_id
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.study.reconcile import sweep_study
from nightlab.controller.study.shares import shares_for
from nightlab.controller.trial.smoke import SmokeRun, SmokeRunner
from nightlab.controller.trial.spawn import Spawner

log: Final = structlog.get_logger()


class SmokeBench:
    """Smoke runs of one working tree and of variants of it, one at a time. See `smoke_bench`."""

    def __init__(self, tree: Tree, blobs: BlobStore, runner: SmokeRunner, site: Site, share: Share) -> None:
        self.site = site
        self._tree = tree
        self._blobs = blobs
        self._runner = runner
        self._share = share
        self._count = 0

    async def run(self, contents: Files | None = None) -> SmokeRun:
        """Run the tree, with other contents of some of its files.

        Raises:
            EngineError, LinkError: The machine failed.
        """
        self._count += 1
        tree = self._tree.with_changes(self._store(path, content) for path, content in (contents or {}).items())
        name = f"gate-r{self._count}"
        return await self._runner.run(tree, self._share, name=name, run_seed=None, stop=asyncio.Event())

    async def compare(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Comparison:
        """Say whether paired runs before and after a change are alike.

        Raises:
            EngineError, LinkError: The machine failed.
        """
        failed = ""

        async def observe(files: Files) -> Observation:
            nonlocal failed
            run = await self.run(files)
            if dict(files) == dict(before) and run.report.ending is not Ending.FINISHED:
                failed = run.report.reason or run.report.ending.value
            return Observation.of(run.report, run.lines, run.values, run.files)

        found = await paired(observe, before, after)
        if found.differs is False and failed:
            return Comparison(None, f"the run without the change fails, too: {failed}")
        return found

    def _store(self, path: str, content: bytes) -> Entry:
        there = self._tree.by_path.get(path)
        return Entry(path, there.mode if there else REGULAR, len(content), self._blobs.put(content))


@asynccontextmanager
async def smoke_bench(subject: Subject, config: Config, note: Callable[[str], None]) -> AsyncIterator[SmokeBench]:
    """Make the image and the site of a working tree, and sweep up at the end.

    Raises:
        RepoError: The working tree is not what the gate has read any more.
        ConfigError: One run does not fit on the machine.
        StoreError: A study of the repo runs.
        EngineError, LinkError, StudyStopped: The engine, the image or the prepare command failed.
    """
    state = StateDir.of_repo(subject.root)
    state.create()
    study_id = new_study_id()
    async with AsyncExitStack() as stack:
        lock = Lock(state.root)
        stack.callback(lock.release)
        blobs = BlobStore(state.blobs)
        tree = (await asyncio.to_thread(snapshot, subject.root, blobs)).tree
        if tree.digest != subject.tree.digest:
            raise RepoError("something wrote into the working tree while the gate ran; run the gate again")
        engine = await Engine.open(state.root, allow_degraded=config.security.allow_degraded)
        stack.push_async_callback(engine.close)
        toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=note)
        spawner = Spawner(config, engine, toolbox, blobs, state, study_id)
        stack.push_async_callback(_sweep, study_id, engine)
        site, _ = await SiteMaker(config, engine, state, study_id, spawner, note).make(tree)
        shares = await shares_for(config, engine, stack)
        note(f"smoke run, at most {config.smoke.timeout:g} s")
        yield SmokeBench(tree, blobs, SmokeRunner(config, site, spawner, state), site, shares[0])


async def _sweep(study_id: str, engine: Engine) -> None:
    for problem in await sweep_study(study_id, engine):
        log.warning("leftover.kept", what=problem)
