"""The workbench of an onboarding: the image, the site and sample runs, all made by the parts that a study uses.

A sample run is a trial's walk in a hardened container, with the machine to itself. What it printed and wrote is handed
back; what that means is for others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from nightlab.controller.actions.host import ActionHost
from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import Config, MiB
from nightlab.controller.engine import Engine, list_gpus, machine_capacity
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.engine.resources import Capacity, available_cores
from nightlab.controller.images.toolbox import Toolbox, ensure_toolbox
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding, Phase, Role, TrialOutcome, TrialSpec
from nightlab.controller.plugins.opening import opened_plugins
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.report.progress import Progress
from nightlab.controller.scoring.scan import LINE_LIMIT_BYTES, visible_line
from nightlab.controller.store import Lock
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.begin import new_study_id
from nightlab.controller.study.edits import Editor, started_files
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.study.reconcile import sweep_study
from nightlab.controller.study.shares import shares_for
from nightlab.controller.trial.collect import Collected, collect
from nightlab.controller.trial.spawn import Spawner
from nightlab.controller.trial.walk import TrialWalk
from nightlab.controller.trial.workload import command, environment

log: Final = structlog.get_logger()
SOURCE_BYTES: Final = 1 << 20
READ_FILES: Final = 60
READ_FILE_BYTES: Final = 4 * MiB
READ_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".log", ".txt", ".out")
LOG_BYTES: Final = 3 * MiB  # of a sample's output, half from each end: what scores a run stands at its ends


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample run.

    Attributes:
        outcome: As of any trial.
        log: Where its output lies.
        lines: What it printed, as a person reads it.
        written: Files that it added to the workspace, path -> bytes.
        files: Contents of the small ones that may hold results.
    """

    outcome: TrialOutcome
    log: Path
    lines: tuple[str, ...]
    written: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


class Workbench:
    """Everything that an onboarding needs of the machine. See `workbench`.

    Attributes:
        state: The repo's state directory.
        tree: The repo as it is.
        is_dirty: Whether it differs from its last commit.
    """

    def __init__(self, state: StateDir, engine: Engine, toolbox: Toolbox, progress: Progress) -> None:
        self.state = state
        self.study_id = new_study_id()
        self._engine = engine
        self._toolbox = toolbox
        self._progress = progress
        self._blobs = BlobStore(state.blobs)
        self._runs = 0
        self._findings: tuple[Finding, ...] = ()
        self.tree = self._snapshot()

    def refresh(self) -> None:
        """Take the repo's files again, after one was written."""
        self.tree = self._snapshot()

    def _snapshot(self) -> Tree:
        return snapshot(self.state.repo, self._blobs).tree

    def text(self, path: str) -> str:
        """Return a source file of the repo as text; empty if it is too large for one."""
        entry = self.tree.by_path[path]
        if entry.size > SOURCE_BYTES or entry.mode == 0o120000:
            return ""
        return self._blobs.read(entry.sha256, SOURCE_BYTES).decode(errors="replace").replace("\r\n", "\n")

    @property
    def capacity(self) -> Capacity:
        """What one run may use when it has the machine to itself."""
        return machine_capacity(available_cores(), self._engine.facts.memory_bytes, len(list_gpus()))

    def workspace_kind(self, config: Config) -> str:
        """Say where a workspace would lie: "loop" or "tmpfs"."""
        return self._engine.choose_workspace_kind(config.security.workspace)

    async def image(self, config: Config) -> ImageFacts:
        """Build the image as a study would.

        Raises:
            ImageError: It cannot be built.
        """
        return await self._maker(config)[0].image()

    async def settle(self, config: Config, facts: ImageFacts) -> Site:
        """Look into the image as a study would; what an earlier call made is removed.

        Raises:
            ImageError, EngineError, LinkError: As of `SiteMaker.make`.
        """
        await self.sweep()
        maker, _ = self._maker(config)
        site, self._findings = await maker.make(self.tree, facts)
        return site

    def starts(self, config: Config, site: Site) -> tuple[str, ...]:
        """Return the files that the training command starts."""
        return started_files(config, site, self.tree, self._blobs)

    async def offers(self, config: Config, site: Site) -> tuple[OfferedAction, ...]:
        """Ask the actions what they find in the repo."""
        async with self._actions(config) as actions:
            starts = self.starts(config, site)
            editor = self._editor(actions, starts)
            return await actions.check(editor.files(self.tree), starts, self.tree.digest)

    async def sample(self, config: Config, site: Site, run_seed: int | None, stop: asyncio.Event) -> Sample:
        """Run the training command once.

        Args:
            config: With the command, its limits and its seed.
            site: From `settle`.
            run_seed: To set as the config says; None leaves the script's own.
            stop: Ends the run.

        Raises:
            EngineError, LinkError: The machine failed; what the run does is in the outcome.
        """
        tree = await self._seeded(config, site, run_seed)
        writings = _Writings(self.tree)
        spawner = self._maker(config)[1]
        spawner.site = site
        walk = TrialWalk(config, site, spawner, self.state, self._findings, writings.take_out, blobs=self._blobs)
        async with AsyncExitStack() as stack:
            shares = await shares_for(config, self._engine, stack)
            outcome = await walk.run(
                self._spec(config, site, tree, run_seed), shares[0], stop=stop, emit=_no_phase, line=self._line
            )
        path = self.state.root / outcome.log_path
        return Sample(outcome, path, read_lines(path), writings.written, writings.contents)

    async def sweep(self) -> None:
        """Remove what this workbench left on the engine but its image: the next build of the same repo is quick."""
        for problem in await sweep_study(self.study_id, self._engine):
            log.warning("leftover.kept", what=problem)

    # Parts

    def _maker(self, config: Config) -> tuple[SiteMaker, Spawner]:
        spawner = Spawner(config, self._engine, self._toolbox, self._blobs, self.state, self.study_id)
        return SiteMaker(config, self._engine, self.state, self.study_id, spawner, self._progress.note), spawner

    def _actions(self, config: Config) -> AbstractAsyncContextManager[ActionHost]:
        return opened_plugins(config, self._engine, self._toolbox, self.state, self.study_id, blobs=self._blobs)

    def _editor(self, actions: ActionHost, starts: tuple[str, ...]) -> Editor:
        return Editor(actions, self._blobs, History(self.state.history, self._blobs), starts)

    async def _seeded(self, config: Config, site: Site, run_seed: int | None) -> Tree:
        if config.noise.seed.kind != "literal" or run_seed is None:
            return self.tree
        async with self._actions(config) as actions:
            editor = self._editor(actions, self.starts(config, site))
            return await editor.with_seed(self.tree, config.noise.seed, run_seed)

    def _spec(self, config: Config, site: Site, tree: Tree, run_seed: int | None) -> TrialSpec:
        self._runs += 1
        seed = config.noise.seed
        return TrialSpec(
            study_id=self.study_id,
            number=self._runs,
            attempt=1,
            role=Role.BASELINE,
            tree=tree,
            run_seed=run_seed,
            argv=command(site, config.train, seed=seed, run_seed=run_seed),
            env=environment(site, config.train, seed=seed, run_seed=run_seed),
            cwd=site.workdir,
        )

    def _line(self, text: str) -> None:
        self._progress.line(self._runs, text)


@asynccontextmanager
async def workbench(repo: Path, progress: Progress) -> AsyncIterator[Workbench]:
    """Open a workbench on a repo; at the end nothing of it is left on the engine.

    Raises:
        RepoError: The repo cannot be read.
        StoreError: A study of the repo runs.
        EngineError: No engine can be used.
    """
    state = StateDir.of_repo(repo)
    state.create()
    async with AsyncExitStack() as stack:
        lock = Lock(state.root)
        stack.callback(lock.release)
        engine = await Engine.open(state.root)
        stack.push_async_callback(engine.close)
        toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=progress.note)
        bench = Workbench(state, engine, toolbox, progress)
        stack.push_async_callback(bench.sweep)
        yield bench


class _Writings:
    """Notes what a run added to its workspace, and takes out what may hold its results."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.written: dict[str, int] = {}
        self.contents: dict[str, bytes] = {}

    async def take_out(self, sandbox: Sandbox, config: Config, site: Site, directory: Path) -> Collected:
        scan = await sandbox.scan_tree(site.workspace, max_hash_bytes=1, allow_partial=True)
        known = self._tree.by_path.keys() | set(site.seeded)
        self.written = {entry.path: entry.size for entry in scan.entries if entry.path not in known}
        wanted = [path for path, size in self.written.items() if size <= READ_FILE_BYTES and _may_hold_results(path)]
        outputs = {"outputs": tuple(wanted[:READ_FILES]), "output_limit": READ_FILES * READ_FILE_BYTES}
        taken = await collect(
            sandbox, config.model_copy(update={"train": config.train.model_copy(update=outputs)}), site, directory
        )
        folder = directory / "outputs"
        self.contents = {path: (folder / path).read_bytes() for path in taken.kept}
        return replace(taken, kept={})


def _may_hold_results(path: str) -> bool:
    return path.lower().endswith(READ_SUFFIXES) and re.search(r"[*?\[\]{}!\\]", path) is None


def read_lines(path: Path) -> tuple[str, ...]:
    """Read an output as a person would: colours gone, a carriage return ends a line, both ends of a long one."""
    if not path.is_file():
        return ()
    with path.open("rb") as file:
        content = file.read(LOG_BYTES)
        if len(content) == LOG_BYTES:
            file.seek(-(LOG_BYTES // 2), 2)
            content = content[: LOG_BYTES // 2] + file.read(LOG_BYTES // 2)
    return tuple(visible_line(line[:LINE_LIMIT_BYTES]) for line in re.split(rb"[\r\n]", content))


def _no_phase(_phase: Phase, _text: str) -> None:
    """A sample run is told by its lines."""
