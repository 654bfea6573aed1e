"""Makes the containers of trials with their volumes, hands them over, and takes everything down again.

Names are made from the study's, so a second spawn of the same attempt is refused by the engine and a restarted
controller finds what an earlier one left. What runs in the container belongs to `trial.walk` and `study.prepare`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from nightlab.controller.config.schema import Config, GiB
from nightlab.controller.containers.start import SUPERVISOR_BYTES, Linked, Starter, link_group, toolbox_mount
from nightlab.controller.engine import (
    Container,
    ContainerSpec,
    Engine,
    Labels,
    Limits,
    Meter,
    Scratch,
    VolumeMount,
)
from nightlab.controller.errors import LinkError, SandboxLost
from nightlab.controller.images.toolbox import Toolbox
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.model.site import SEED, TOOLBOX, Share, Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir

RUFF: Final = f"{TOOLBOX}/bin/ruff"
SEED_COPY_BYTES: Final = 64 * 1024
SEED_LINK_ENTRIES: Final = 20_000
PIDS_EACH_CPU: Final = 256
PIDS_LEAST: Final = 512


@dataclass(frozen=True, slots=True)
class SpawnRequest:
    """One container.

    Attributes:
        name: Unique; also names its volumes and its socket directory.
        role: "trial", "smoke", "prepare" or "probe".
        trial: Number, for the label.
        attempt: For the label.
        share: Its part of the machine.
        network: "bridge" only for the prepare command.
        data_writable: Whether it fills the data volume.
        is_background: Whether it runs on processor time that nobody else wants.
    """

    name: str
    role: str
    trial: str = ""
    attempt: str = ""
    share: Share = field(default_factory=Share)
    network: Literal["none", "bridge"] = "none"
    data_writable: bool = False
    is_background: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """A running, connected container.

    Attributes:
        sandbox: The link to its supervisor.
        container: As the engine has it.
        meter: Samples its memory from the host.
        posture: The isolation in effect, as inspected.
        site: Its site.
    """

    sandbox: Sandbox
    container: Container
    meter: Meter
    posture: Mapping[str, str]
    site: Site

    async def seal(self, tree: Tree, *, removed: Sequence[str] = (), clear: bool = False) -> str:
        """Write a tree into the workspace that nothing but the supervisor can change; return its digest inside.

        Args:
            tree: Its contents are in the study's blob store.
            removed: Paths of the workspace that are removed first.
            clear: Remove what is in the way.
        """
        digest = await self.sandbox.put_tree(self.site.workspace, tree, removed=removed, clear=clear)
        await self.link_seeds()
        return digest

    async def link_seeds(self) -> None:
        """Make what the image has beside the repo appear, where it is not there yet."""
        for place in self.site.places:
            if place.seed:
                await self.sandbox.link_seed(
                    f"{SEED}/{place.seed}",
                    place.path,
                    copy_limit_bytes=SEED_COPY_BYTES,
                    max_entries=SEED_LINK_ENTRIES,
                )

    @property
    def ruff(self) -> str:
        """Path of the toolbox's ruff in the container."""
        return RUFF

    async def run_tool(self, name: str, argv: Sequence[str], *, cwd: str, uid: int, timeout_s: float) -> bytes:
        """Run a tool of the toolbox and return what it printed.

        Raises:
            LinkError: It did not exit with 0.
        """
        env = {"PATH": f"{TOOLBOX}/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - in the container
        result = await self.sandbox.run(name, argv, env=env, cwd=cwd, uid=uid, gid=uid, wall_limit_s=timeout_s)
        if result.exit.code != 0:
            said = result.stderr.decode(errors="replace")[-500:]
            raise LinkError(
                f"{argv[0]} in the sandbox ended with {result.exit.code}: {said or result.exit.start_error}"
            )
        if result.truncated:
            raise LinkError(f"{argv[0]} in the sandbox printed more than is read")
        return result.stdout


class Spawner:
    """Spawns the containers of one study. `site` must be set before the first one that is not a survey."""

    def __init__(
        self, config: Config, engine: Engine, toolbox: Toolbox, blobs: BlobStore, state: StateDir, study_id: str
    ) -> None:
        self.site: Site | None = None
        self._config = config
        self._engine = engine
        self._toolbox = toolbox
        self._study_id = study_id
        self._starter = Starter(engine, blobs, state.study(study_id) / "links")
        self._workspace_kind = engine.choose_workspace_kind(config.security.workspace)

    @property
    def study_id(self) -> str:
        """Of the study whose containers it makes; part of their names."""
        return self._study_id

    async def make_volume(self, what: str) -> str:
        """Make an empty volume of the study and return its name."""
        name = f"nightlab-{self._study_id}-{what}"
        await self._engine.make_volume(name, study_id=self._study_id)
        return name

    async def make_data_volume(self) -> str:
        """Make the volume that the prepare command fills; limited in size where a loop device can be had."""
        name = f"nightlab-{self._study_id}-data"
        if self._workspace_kind != "loop":
            return await self.make_volume("data")
        await self._engine.make_workspace(name, self._config.prepare.size, "loop", study_id=self._study_id)
        return name

    @asynccontextmanager
    async def spawn(self, request: SpawnRequest) -> AsyncIterator[Live]:
        """Make, start and connect a container; at the end nothing of it is left.

        Raises:
            EngineError: The engine failed; PostureError if the container is not as the policy asks.
            SandboxLost: Its supervisor did not call.
        """
        site = self._site()
        async with AsyncExitStack() as stack:
            name = f"{request.name}-ws"
            stack.push_async_callback(self._engine.remove_volume, name)
            size = self._config.train.workspace_size
            await self._engine.make_workspace(name, size, self._workspace_kind, study_id=self._study_id)
            spec = self._spec(request, site, name)
            yield await self._start(stack, spec, site, request.share)

    @asynccontextmanager
    async def survey(self, image_id: str, seed_volume: str) -> AsyncIterator[Live]:
        """Start a container in which nothing of the image runs, with the seed volume writable."""
        async with AsyncExitStack() as stack:
            volumes = [toolbox_mount(self._toolbox), VolumeMount(seed_volume, SEED, read_only=False)]
            facts = await self._engine.image(image_id)
            for number, path in enumerate(facts.volumes):
                name = await self.make_volume(f"survey-{number}")
                stack.push_async_callback(self._engine.remove_volume, name)
                volumes.append(VolumeMount(name, path, read_only=True, copy_up=True))
            spec = ContainerSpec(
                name=f"nightlab-{self._study_id}-survey",
                image_id=image_id,
                entrypoint=self._toolbox.entrypoint,
                labels=self._labels("seed"),
                limits=Limits(memory_bytes=1 * GiB, pids=PIDS_LEAST),
                volumes=tuple(volumes),
                link_dir=str(self._engine.link_dir(f"nightlab-{self._study_id}-survey")),
                runtime=self._config.security.runtime,
                group=link_group(self._engine.facts),
            )
            site = Site(image_id, {}, (), (), "", 0, 0, "", "/", "/", "/", ())
            yield await self._start(stack, spec, site, Share())

    @asynccontextmanager
    async def adopt(self, request: SpawnRequest) -> AsyncIterator[Live]:
        """Take over a container that runs already; at the end nothing of it is left.

        Raises:
            SandboxLost: It is gone or its supervisor does not call.
        """
        site = self._site()
        async with AsyncExitStack() as stack:
            container = await self._engine.find(request.name)
            if container is None:
                raise SandboxLost(f"container {request.name} is gone")
            stack.push_async_callback(self._engine.remove_volume, f"{request.name}-ws")
            yield await self._live(stack, await self._starter.adopt(stack, container), site, request.share)

    # Parts

    async def _start(self, stack: AsyncExitStack, spec: ContainerSpec, site: Site, share: Share) -> Live:
        return await self._live(stack, await self._starter.start(stack, spec), site, share)

    async def _live(self, stack: AsyncExitStack, linked: Linked, site: Site, share: Share) -> Live:
        container = linked.container
        in_memory = site.workspace if self._workspace_kind == "tmpfs" and site.places else None
        meter = await self._engine.meter(container, workspace_in_memory=in_memory, gpu_uuids=share.gpu_uuids)
        meter.start()
        stack.callback(meter.stop)
        return Live(linked.sandbox, container, meter, container.posture, site)

    def _spec(self, request: SpawnRequest, site: Site, workspace: str) -> ContainerSpec:
        train = self._config.train
        in_memory = train.workspace_size if self._workspace_kind == "tmpfs" else 0
        return ContainerSpec(
            name=request.name,
            image_id=site.image_id,
            entrypoint=self._toolbox.entrypoint,
            labels=self._labels(request.role, request),
            limits=Limits(
                memory_bytes=train.memory + SUPERVISOR_BYTES + in_memory,
                cpus=train.cpus,
                cpuset=request.share.cpuset,
                spare_cpu_only=request.is_background,
                pids=train.pids or max(PIDS_LEAST, int(PIDS_EACH_CPU * train.cpus)),
                shm_bytes=train.shm,
                tmp_bytes=train.tmp,
            ),
            volumes=self._mounts(request, site, workspace),
            link_dir=str(self._engine.link_dir(request.name)),
            scratch=tuple(Scratch(place.path, place.size_bytes) for place in site.places[1:]),
            gpu_uuids=request.share.gpu_uuids,
            runtime=self._config.security.runtime,
            network=request.network,
            workspace_kind=self._workspace_kind,
            group=link_group(self._engine.facts),
        )

    def _mounts(self, request: SpawnRequest, site: Site, workspace: str) -> tuple[VolumeMount, ...]:
        mounts = [toolbox_mount(self._toolbox), VolumeMount(workspace, site.workspace, read_only=False)]
        if site.seed_volume:
            mounts.append(VolumeMount(site.seed_volume, SEED))
        if site.data_volume:
            mounts.append(VolumeMount(site.data_volume, self._config.prepare.data, read_only=not request.data_writable))
        return tuple(mounts)

    def _labels(self, role: str, request: SpawnRequest | None = None) -> Labels:
        trial, attempt = (request.trial, request.attempt) if request else ("", "")
        return self._engine.labels(self._study_id, trial=trial, attempt=attempt, role=role)

    def _site(self) -> Site:
        assert self.site is not None, "a survey comes before the first spawn"
        return self.site
