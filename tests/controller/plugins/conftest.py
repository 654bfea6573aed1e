"""An engine, the toolbox, and containers of plugins that are gone when the test is over."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.worker import Patience, PluginWorker
from nightlab.controller.config.plugin import Plugin
from nightlab.controller.engine import Engine
from nightlab.controller.images import Toolbox, ensure_toolbox
from nightlab.controller.plugins.container import ContainerRuntime
from nightlab.controller.plugins.containers import PluginContainers
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir

MiB = 2**20
CONTAINED = Path(__file__).parents[2] / "data/plugins/contained"
LIMITS = Plugin(package="tricks", memory=192 * MiB)
CALL_S = 20.0
WORKSPACE = pb.Workspace(files=[pb.File(path="a.txt", content=b"text ")])


def package(target: str, name: str = "tricks") -> PluginSource:
    """Return a plugin of the package that lies in tests/data."""
    files = {path.name: path for path in CONTAINED.glob("*.py")}
    return PluginSource(name, "package", target=target, files=files)


@dataclass
class Ground:
    """A study without trials."""

    engine: Engine
    toolbox: Toolbox
    state: StateDir
    study_id: str
    containers: PluginContainers

    def runtime(self, source: PluginSource, limits: Plugin = LIMITS) -> ContainerRuntime:
        """Return a life that has not begun."""
        return self.containers.runtime(source, limits)

    @asynccontextmanager
    async def started(self, source: PluginSource, limits: Plugin = LIMITS) -> AsyncIterator[ContainerRuntime]:
        """Start a life; at the end its container is gone."""
        runtime = self.runtime(source, limits)
        await runtime.start()
        try:
            yield runtime
        finally:
            await runtime.stop(gently=False)

    @asynccontextmanager
    async def worker(self, source: PluginSource, **patience: float) -> AsyncIterator[PluginWorker]:
        """Return a plugin that is started when it is called."""
        patient = Patience(start_s=60.0, **({"call_s": CALL_S} | patience))  # type: ignore[arg-type]
        worker = PluginWorker(source.name, lambda: self.runtime(source), patience=patient)
        try:
            yield worker
        finally:
            await worker.close()


def apply(action: str, **arguments: str) -> pb.ApplyActionRequest:
    """Return a call with one file."""
    return pb.ApplyActionRequest(action=action, arguments_json=json.dumps(arguments), workspace=WORKSPACE)


@pytest.fixture(scope="session")
def toolbox() -> Iterator[Toolbox]:
    client = docker.from_env(timeout=300)
    yield ensure_toolbox(client)
    client.close()


@pytest.fixture
async def ground(toolbox: Toolbox) -> AsyncIterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="nl-plugins-") as folder:
        state = StateDir.of_repo(Path(folder))
        state.create()
        engine = await Engine.open(state.root)
        study_id = f"plugins-{secrets.token_hex(3)}"
        containers = PluginContainers(engine, toolbox, state, study_id, BlobStore(state.blobs))
        try:
            yield Ground(engine, toolbox, state, study_id, containers)
            assert (await engine.leftovers()).lines() == ()
        finally:
            await engine.remove_leftovers(await engine.leftovers())
            await engine.close()
