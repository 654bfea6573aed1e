"""The engine as the rest of the controller sees it: asynchronous, hardened, in our own words and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

import docker

from nightlab.controller.engine.calls import API_TIMEOUT_S, CREATE_TIMEOUT_S, Calls, engine_errors
from nightlab.controller.engine.cleanup import VOLUMES_FOLDER, Cleanup, Leftovers, links_folder
from nightlab.controller.engine.connect import connect
from nightlab.controller.engine.containers import Container, Containers, ContainerState
from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.gpus import NvmlReader
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.engine.meter import Meter
from nightlab.controller.engine.spec import ContainerSpec, Labels
from nightlab.controller.engine.volumes import Kind, Volumes, WorkspaceVolume
from nightlab.controller.errors import SandboxLost

MARGIN_S: Final = 5.0
"""A call's own timeout comes first; this one is for a thread that hangs."""
REMOVE_TIMEOUT_S: Final = 60.0
CLEANUP_TIMEOUT_S: Final = 300.0


class Engine:
    """A local engine.

    Every method ends within a deadline and raises EngineMissing when the engine does not answer.

    Attributes:
        facts: What it says of itself.
        client: For building images; containers are made by `create` alone.
    """

    def __init__(
        self,
        facts: EngineFacts,
        client: docker.DockerClient,
        *,
        state_dir: Path,
        allow_degraded: bool = False,
    ) -> None:
        """Use a connection of `connect.connect`.

        Args:
            facts: Of the engine.
            client: Connected to it; closed by `close`.
            state_dir: Where files of volumes and the links' directories lie; also a label of all that is made.
            allow_degraded: `security.allow_degraded` of the config.
        """
        self.facts = facts
        self.client = client
        self.state_dir = state_dir.resolve()
        self._calls = Calls()
        with engine_errors("connect"):
            self._slow_client = docker.DockerClient(base_url=f"unix://{facts.socket}", timeout=int(CREATE_TIMEOUT_S))
        self._containers = Containers(client, self._slow_client, facts, allow_degraded=allow_degraded)
        self._volumes = Volumes(self._slow_client, facts, self.state_dir / VOLUMES_FOLDER)
        self._cleanup = Cleanup(self._slow_client, self._containers, self._volumes, self.state_dir)

    @classmethod
    async def open(cls, state_dir: Path, *, allow_degraded: bool = False) -> Engine:
        """Find the local engine and connect.

        Raises:
            EngineMissing: None answers.
            EngineRefused: It is remote or in a virtual machine.
        """
        facts, client = await asyncio.to_thread(connect)
        return cls(facts, client, state_dir=state_dir, allow_degraded=allow_degraded)

    async def close(self) -> None:
        """Close the connections. Containers stay as they are."""
        self._calls.close()
        self._slow_client.close()
        self.client.close()

    def labels(self, study_id: str, *, trial: str = "", attempt: str = "", role: str = "trial") -> Labels:
        """Make the labels of something that belongs to this state directory."""
        return Labels(study_id, str(self.state_dir), trial, attempt, role)

    def link_dir(self, container_name: str) -> Path:
        """Say where the directory of a container's link socket is; the link makes it."""
        return links_folder(self.state_dir) / container_name

    async def image(self, image_id: str) -> ImageFacts:
        """Read what an image says of itself.

        Raises:
            ImageError: It does not exist, or asks for what no container of ours has.
        """
        return await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.image, image_id)

    async def create(self, spec: ContainerSpec) -> Container:
        """Create a container that was held against the policy; it is not started.

        Raises:
            PostureError: It is not as asked; it has been removed.
            ConfigError: Its runtime is unknown.
            ImageError: Its image is unknown or unusable.
            EngineError: The engine refused; a container of that name may exist already: look with `find`.
        """
        deadline_s = CREATE_TIMEOUT_S + 2 * API_TIMEOUT_S + MARGIN_S
        return await self._calls.run(deadline_s, self._containers.create, spec)

    async def start(self, container: Container) -> None:
        """Start a created container.

        Raises:
            EngineError: The engine refused.
        """
        await self._calls.run(CREATE_TIMEOUT_S + MARGIN_S, self._containers.start, container)

    async def state(self, container: Container) -> ContainerState:
        """Read how a container is; one that someone removed is "gone"."""
        return await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.state, container)

    async def wait(self, container: Container, timeout_s: float) -> ContainerState:
        """Wait until a container has ended or the time is over, and say how it is then."""
        return await self._calls.run(timeout_s + 2 * API_TIMEOUT_S, self._containers.wait, container, timeout_s)

    async def kill(self, container: Container) -> None:
        """Kill all processes of a container at once. It need not run."""
        await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.kill, container)

    async def remove(self, container: Container) -> None:
        """Kill and remove a container with its directories in memory. It need not exist."""
        await self._calls.run(REMOVE_TIMEOUT_S, self._containers.remove, container.container_id)

    async def log_tail(self, container: Container, lines: int = 50) -> str:
        """Read the end of what the supervisor itself wrote. Untrusted text."""
        return await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.log_tail, container, lines)

    async def find(self, name: str) -> Container | None:
        """Find a container of ours by its name."""
        return await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.find, name)

    async def list(self, study_id: str | None = None) -> tuple[Container, ...]:
        """List our containers, running or not, of a study or of the whole state directory."""
        filters = {"nightlab.state_dir": str(self.state_dir)}
        if study_id is not None:
            filters["nightlab.study"] = study_id
        return await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.list, filters)

    async def gpus_in_use(self) -> frozenset[str]:
        """GPUs that containers of any controller have, by their labels."""
        containers = await self._calls.run(API_TIMEOUT_S + MARGIN_S, self._containers.list, {})
        return frozenset(uuid for c in containers for uuid in c.labels.get("gpus", "").split(",") if uuid)

    def choose_workspace_kind(self, wanted: Literal["auto", "loop", "tmpfs"]) -> Kind:
        """Decide how workspaces are limited (`security.workspace`).

        Raises:
            ConfigError: A loop device was asked for and cannot be had.
        """
        return self._volumes.choose_kind(wanted)

    async def make_workspace(self, name: str, size_bytes: int, kind: Kind, *, study_id: str) -> WorkspaceVolume:
        """Make an empty volume of a given size, or find it. Its root is root's, mode 1777.

        A name begins with "nightlab-STUDY-", by which an orphaned file is known as the study's.

        Raises:
            EngineError: No space, or the engine refused.
        """
        labels = self.labels(study_id, role="volume")
        return await self._calls.run(2 * CREATE_TIMEOUT_S, self._volumes.make_limited, name, size_bytes, kind, labels)

    async def make_volume(self, name: str, *, study_id: str) -> WorkspaceVolume:
        """Make a volume without a limit, such as a study's seed, or find it.

        Raises:
            EngineError: The engine refused.
        """
        labels = self.labels(study_id, role="volume")
        return await self._calls.run(CREATE_TIMEOUT_S + MARGIN_S, self._volumes.make_plain, name, labels)

    async def remove_volume(self, name: str) -> None:
        """Remove a volume with its loop device and file. None need exist.

        Raises:
            EngineError: A container still uses it.
        """
        await self._calls.run(CREATE_TIMEOUT_S + MARGIN_S, self._volumes.remove, name)

    async def meter(
        self, container: Container, *, workspace_in_memory: str | None = None, gpu_uuids: Sequence[str] = ()
    ) -> Meter:
        """Make a meter of a running container; the caller starts and stops it.

        Args:
            container: Must run.
            workspace_in_memory: Path of a workspace of kind "tmpfs"; None for one on disk.
            gpu_uuids: GPUs it has.

        Raises:
            SandboxLost: It does not run.
        """
        state = await self.state(container)
        if not state.pid:
            raise SandboxLost(
                f"container {container.name} is {state.status} and cannot be measured; run the trial again"
            )
        gpus = NvmlReader(gpu_uuids) if gpu_uuids else None
        return Meter(state.pid, workspace_path=workspace_in_memory, gpus=gpus)

    async def leftovers(self, study_id: str | None = None, *, with_images: bool = False) -> Leftovers:
        """List everything of a study, or of the state directory, that is on the engine or the machine."""
        find = partial(self._cleanup.find, study_id, with_images=with_images)
        return await self._calls.run(REMOVE_TIMEOUT_S, find)

    async def remove_leftovers(self, leftovers: Leftovers) -> tuple[str, ...]:
        """Remove what was found; returns what could not be, one line each."""
        return await self._calls.run(CLEANUP_TIMEOUT_S, self._cleanup.remove, leftovers)
