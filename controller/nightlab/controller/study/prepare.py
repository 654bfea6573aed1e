"""Makes a study's site: image built and pinned, repo found in it, seed and data volumes filled, base tree linted.

Runs once per study, before the first trial. Two kinds of container are used: one in which no code of the image runs
(it copies what the repo does not track), and hardened ones like a trial's (the prepare command and the probe).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.errors import ImageError, StudyStopped
from nightlab.controller.gate.lint import lint
from nightlab.controller.gate.verify import IMPORTABLE
from nightlab.controller.images.build import build_image
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.link.values import JobExit
from nightlab.controller.model.site import SEED, Place, Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.interpreter import CODE, Imports, parse_imports, requires_python
from nightlab.controller.study.places import (
    Person,
    home_of,
    inner,
    likely_roots,
    places_of,
    workdir_of,
    workload_user,
    workspace_of,
)
from nightlab.controller.trial.spawn import Spawner, SpawnRequest
from nightlab.controller.trial.workload import command, environment, split_command

Progress = Callable[[str], None]
PROBES: Final = 12
FIND_DIRECTORIES: Final = 20_000
SEED_BYTES: Final = 64 * 2**30
SEED_ENTRIES: Final = 2_000_000
JOB_S: Final = 60.0
IMPORTS_BYTES: Final = 2 * 2**20
ACCESS_ENTRIES: Final = 50_000
ACCESS_PATHS: Final = ("/root", "/home", "/opt", "/srv", "/data", "/models", "/usr/local")
PYTHON: Final = re.compile(r"python(?:3(?:\.\d+)?)?")
VERSION_CODE: Final = "import sys; print('%d.%d' % sys.version_info[:2])"


class SiteMaker:
    """Prepares one study."""

    def __init__(
        self, config: Config, engine: Engine, state: StateDir, study_id: str, spawner: Spawner, progress: Progress
    ) -> None:
        self._config = config
        self._engine = engine
        self._state = state
        self._study_id = study_id
        self._spawner = spawner
        self._progress = progress

    async def make(self, base: Tree, facts: ImageFacts | None = None) -> tuple[Site, tuple[Finding, ...]]:
        """Prepare everything and return the site and what ruff finds in the base tree.

        Args:
            base: The base tree.
            facts: What `image` returned, if it was asked before.

        Raises:
            ImageError: The image cannot be built or lacks what is needed.
            StudyStopped: The prepare command failed.
            EngineError, LinkError: The machine failed.
        """
        facts = facts or await self.image()
        self._progress("looking into the image")
        site = await self._survey(facts, base)
        if self._config.prepare.command:
            site = await self._prepare(site, base)
        return await self._probe(site, base)

    # The image

    async def image(self) -> ImageFacts:
        """Build the image, or find the one that the config names.

        Raises:
            ImageError: It cannot be built or does not exist.
        """
        image = self._config.image
        if image.name:
            return await self._engine.image(image.name)
        repo = self._state.repo
        dockerfile = repo / image.dockerfile
        if not dockerfile.is_file():
            raise ImageError(
                f"{dockerfile} does not exist", hint="set image.dockerfile, or image.name for a ready image"
            )
        self._progress(f"building {image.dockerfile}")
        image_id = await asyncio.to_thread(
            build_image,
            self._engine.client,
            (repo / image.context).resolve(),
            dockerfile,
            tag=f"nightlab-study/{self._study_id}",
            build_args=dict(image.build_args),
            target=image.target,
            network=image.network,
            labels={"nightlab.study": self._study_id, "nightlab.state_dir": str(self._state.root)},
            progress=self._progress,
        )
        return await self._engine.image(image_id)

    # What the image has

    async def _survey(self, facts: ImageFacts, base: Tree) -> Site:
        """Find the repo and the user, and copy what trials need into the seed volume."""
        seed_volume = await self._spawner.make_volume("seed")
        async with self._spawner.survey(facts.image_id, seed_volume) as live:
            sandbox = live.sandbox
            found = await sandbox.resolve_user(facts.user)
            person = workload_user(self._config.train, Person(found.uid, found.gid, found.name, found.home))
            looked_for = probes(base)
            matches = await sandbox.find_repo(looked_for, [facts.workdir], max_directories=FIND_DIRECTORIES)
            roots = likely_roots(matches, len(looked_for), facts)
            workspace = workspace_of(self._config.image.workspace, roots, facts)
            workdir = workdir_of(self._config.train, facts, workspace)
            home = home_of(facts, person)
            places = places_of(self._config.train, facts, workspace=workspace, workdir=workdir, home=home)
            places = tuple([await self._seed(sandbox, place, places, base) for place in places])
            unreadable = await sandbox.probe_access(
                ACCESS_PATHS, uid=person.uid, gid=person.gid, max_entries=ACCESS_ENTRIES
            )
        return Site(
            image_id=facts.image_id,
            env=facts.env,
            entrypoint=facts.entrypoint,
            command=facts.command,
            image_user=facts.user,
            uid=person.uid,
            gid=person.gid,
            user=person.name or "nightlab",
            home=home,
            workspace=workspace,
            workdir=workdir,
            places=places,
            volumes=facts.volumes,
            seed_volume=seed_volume if any(place.seed for place in places) else "",
            unreadable=tuple(p for p in unreadable if not any(p == place.path for place in places)),
            notes=_notes(roots, workspace),
        )

    async def _seed(self, sandbox: Sandbox, place: Place, places: Sequence[Place], base: Tree) -> Place:
        tracked = [e.path for e in base.entries] if place.kind == "workspace" else []
        made = await sandbox.make_seed(
            place.path,
            f"{SEED}/{place.seed}",
            tracked=[*tracked, *inner(place, places)],
            max_bytes=SEED_BYTES,
            max_entries=SEED_ENTRIES,
        )
        return place if made.files or made.directories else replace(place, seed="")

    # The prepare command

    async def _prepare(self, site: Site, base: Tree) -> Site:
        prepare = self._config.prepare
        self._progress(f"preparing data: {prepare.command}")
        site = replace(site, data_volume=await self._spawner.make_data_volume())
        self._spawner.site = site
        request = SpawnRequest(
            name=self._name("prepare"),
            role="prepare",
            network="bridge" if prepare.network else "none",
            data_writable=True,
        )
        async with self._spawner.spawn(request) as live:
            await live.seal(base)
            await live.sandbox.put_tree(prepare.data, Tree(()))
            result = await live.sandbox.run(
                "prepare",
                split_command(prepare.command, "prepare.command"),
                env=environment(site, self._config.train, seed=self._config.noise.seed, run_seed=None),
                cwd=site.workdir,
                uid=site.uid,
                gid=site.gid,
                wall_limit_s=prepare.timeout,
                merge=True,
            )
        if result.exit.code != 0:
            tail = result.stdout.decode(errors="replace")[-1500:]
            raise StudyStopped(f"prepare.command ended with {_how(result.exit)}:\n{tail}")
        return site

    # The probe

    async def _probe(self, site: Site, base: Tree) -> tuple[Site, tuple[Finding, ...]]:
        """Seal the base tree as a trial would; read the interpreter's version and ruff's findings."""
        self._progress("checking the base tree")
        self._spawner.site = site
        async with self._spawner.spawn(SpawnRequest(name=self._name("probe"), role="probe")) as live:
            digest = await live.seal(base)
            if digest != base.digest:
                raise StudyStopped("the base tree inside a container is not the one outside; see the log of the engine")
            python = await self._python(live.sandbox, site)
            imports = await self._imports(live.sandbox, site)
            site = replace(
                site,
                python=python,
                seeded=await _seeded(live.sandbox, site, base),
                modules=imports.modules,
                search_path=imports.search_path,
                user_site=imports.user_site,
            )
            asked = requires_python(base, BlobStore(self._state.blobs))
            report = await lint(live, base, root=site.workspace, python=python, requires_python=asked)
        self._spawner.site = site
        return site, report.findings

    async def _python(self, sandbox: Sandbox, site: Site) -> tuple[int, int] | None:
        """Ask the interpreter that the training command resolves to for its version."""
        for program in self._programs(site):
            result = await sandbox.run(
                f"python-version-{program.replace('/', '-')}",
                [program, "-I", "-S", "-c", VERSION_CODE],
                env=self._env(site),
                cwd=site.workdir,
                uid=site.uid,
                gid=site.gid,
                wall_limit_s=JOB_S,
            )
            match = re.fullmatch(rb"(\d)\.(\d+)\s*", result.stdout[:32])
            if result.exit.code == 0 and match:
                return int(match[1]), int(match[2])
        return None

    async def _imports(self, sandbox: Sandbox, site: Site) -> Imports:
        """Ask the same interpreter what it imports without the repo; nothing where it is not Python."""
        for program in self._programs(site):
            result = await sandbox.run(
                f"python-imports-{program.replace('/', '-')}",
                [program, "-c", CODE, site.workspace],
                env=self._env(site),
                cwd=site.workdir,
                uid=site.uid,
                gid=site.gid,
                wall_limit_s=JOB_S,
                output_limit_bytes=IMPORTS_BYTES,
            )
            found = parse_imports(result.stdout) if result.exit.code == 0 and not result.truncated else None
            if found is not None:
                return found
        return Imports()

    def _env(self, site: Site) -> dict[str, str]:
        return environment(site, self._config.train, seed=self._config.noise.seed, run_seed=None)

    def _programs(self, site: Site) -> tuple[str, ...]:
        """Return what the training command may mean by Python, first things first; a shell's is the first on PATH."""
        argv = command(site, self._config.train, seed=self._config.noise.seed, run_seed=None)
        named = [word for word in argv if PYTHON.fullmatch(word.rpartition("/")[2])]
        return tuple(dict.fromkeys([*named, "python", "python3"]))

    def _name(self, what: str) -> str:
        return f"nightlab-{self._study_id}-{what}"


async def _seeded(sandbox: Sandbox, site: Site, base: Tree) -> tuple[str, ...]:
    """List what the image brought into the workspace: of a huge one all that is importable, and a part of the rest."""
    scan = await sandbox.scan_tree(site.workspace, max_hash_bytes=1, allow_partial=True)
    found = {entry.path for entry in scan.entries}
    if scan.is_partial:
        scan = await sandbox.scan_tree(site.workspace, suffixes=IMPORTABLE, max_hash_bytes=1, allow_partial=True)
        found.update(entry.path for entry in scan.entries)
    return tuple(sorted(found - base.by_path.keys()))


def probes(base: Tree) -> list[Entry]:
    """Return the files that tell the repo best: not empty, each content once, sources and short paths first."""
    seen: set[str] = set()
    entries = []
    for entry in sorted(base.entries, key=lambda e: (not e.path.endswith(".py"), e.path.count("/"), -e.size)):
        if entry.size > 32 and entry.mode != 0o120000 and entry.sha256 not in seen:
            seen.add(entry.sha256)
            entries.append(entry)
    return entries[:PROBES]


def _notes(roots: Sequence[str], workspace: str) -> tuple[str, ...]:
    """Say where the repo is if that is not where the image has it."""
    if not roots:
        return (f"the image does not hold the repo's files; they appear at {workspace}",)
    if roots[0] == "/":
        note = (
            f"the image has the repo in /, which no trial can replace; it appears at {workspace}, and a command that "
        )
        return (f"{note}names files by absolute paths does not see edits: set a WORKDIR before COPY",)
    return ()


def _how(exit_: JobExit) -> str:
    if exit_.timed_out:
        return "its time limit"
    return exit_.start_error or (f"exit code {exit_.code}" if exit_.signal is None else f"signal {exit_.signal}")
