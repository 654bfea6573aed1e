"""Makes a container with its link, waits for its supervisor, and takes everything down again.

What a container is asked to be is the caller's; what runs in it and which volumes it has too.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from nightlab.controller.engine import Container, ContainerSpec, Engine, EngineFacts, VolumeMount
from nightlab.controller.errors import LinkError, SandboxLost
from nightlab.controller.images.toolbox import MOUNT, Toolbox
from nightlab.controller.link.blobs import BlobSource
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.link.server import LinkServer
from nightlab.controller.store.state_dir import make_private, remove_tree

log: Final = structlog.get_logger()
CONNECT_S: Final = 30.0
ADOPT_S: Final = 20.0
FAREWELL_S: Final = 5.0
SUPERVISOR_BYTES: Final = 96 * 2**20  # what the supervisor and its tools may take beside the workload's limit


@dataclass(frozen=True, slots=True)
class Linked:
    """A running container whose supervisor has called."""

    container: Container
    sandbox: Sandbox


class Starter:
    """Starts containers and connects them. What it makes is taken down by the caller's stack."""

    def __init__(self, engine: Engine, blobs: BlobSource, journals: Path, *, farewell_s: float = FAREWELL_S) -> None:
        """Start nothing yet.

        Args:
            engine: That has the containers.
            blobs: Where contents of trees come from.
            journals: Directory in which each link remembers its jobs.
            farewell_s: How long a supervisor may take to end by itself before its container is removed.
        """
        self._engine = engine
        self._blobs = blobs
        self._journals = journals
        self._farewell_s = farewell_s

    async def start(self, stack: AsyncExitStack, spec: ContainerSpec) -> Linked:
        """Create a container, start it and wait for its supervisor.

        Args:
            stack: Takes it down; nothing of the container or its link is left then.
            spec: Of the container, its link directory that of its name.

        Raises:
            EngineError: The engine failed; PostureError if the container is not as the policy asks.
            SandboxLost: Its supervisor did not call.
        """
        server = await self._serve(stack, spec.name)
        container = await self._create(spec)
        stack.push_async_callback(self._engine.remove, container)
        await self._engine.start(container)
        try:
            sandbox = await server.connected(CONNECT_S)
        except SandboxLost as error:
            said = await self._engine.log_tail(container)
            raise SandboxLost(f"the supervisor of {spec.name} did not call: {said or error}") from error
        stack.push_async_callback(self._shut_down, sandbox)
        return Linked(container, sandbox)

    async def adopt(self, stack: AsyncExitStack, container: Container) -> Linked:
        """Take over a container that runs already.

        Args:
            stack: As of `start`.
            container: As it was found.

        Raises:
            SandboxLost: It is gone or its supervisor does not call.
        """
        stack.push_async_callback(self._engine.remove, container)
        server = await self._serve(stack, container.name)
        sandbox = await server.connected(ADOPT_S)
        stack.push_async_callback(self._shut_down, sandbox)
        return Linked(container, sandbox)

    async def _create(self, spec: ContainerSpec) -> Container:
        """Create a container; where the caller is cancelled meanwhile, none stays."""
        try:
            return await self._engine.create(spec)
        except asyncio.CancelledError:
            made = await self._engine.find(spec.name)
            if made is not None and made.labels.get("spec_sha256") == spec.sha256:
                await self._engine.remove(made)
            raise

    async def _serve(self, stack: AsyncExitStack, name: str) -> LinkServer:
        directory = self._engine.link_dir(name)
        make_private(directory.parent)
        make_private(directory)
        server = LinkServer(directory, blobs=self._blobs, journal=self._journals / name)
        stack.callback(directory.with_name(f"{name}.lock").unlink, missing_ok=True)
        stack.callback(remove_tree, directory)
        stack.push_async_callback(server.stop)
        await server.start()
        return server

    async def _shut_down(self, sandbox: Sandbox) -> None:
        """Let the supervisor end by itself, which is quicker than a kill; the container is removed either way."""
        try:
            await asyncio.wait_for(sandbox.shutdown(), self._farewell_s)
        except (LinkError, TimeoutError) as error:
            log.info("sandbox.shutdown_failed", reason=str(error))


def toolbox_mount(toolbox: Toolbox) -> VolumeMount:
    """Return the mount that every container has: the supervisor and what belongs to it, read-only."""
    return VolumeMount(toolbox.volume, MOUNT)


def link_group(facts: EngineFacts) -> int | None:
    """Return the group by which a supervisor may use the link's socket; None where it owns the socket.

    Root in a container has no right to pass over file modes. It is the socket's owner where this process is root, and
    where the engine is rootless and belongs to the same user.
    """
    return None if os.geteuid() == 0 or facts.rootless else os.getegid()
