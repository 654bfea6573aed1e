"""Real containers for the engine's tests: a small image, a stand-in for the supervisor, and clean endings."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nightlab.controller.engine import (
    Container,
    ContainerSpec,
    ContainerState,
    Engine,
    Limits,
    Reading,
    VolumeMount,
    connect,
)

MiB = 2**20
IMAGE = "nightlab-test/engine-base"
WORKLOAD = 65532
PYTHON = "/usr/bin/python3"

# PID 1, root with three capabilities, as the real supervisor: waits for the host's word, runs the code as another uid,
# ends with its exit code. The word comes through a fifo in the link directory: opening it tells that we are there.
STAND_IN = """
import os, sys
code, uid = sys.argv[1], int(sys.argv[2])
if os.path.exists("/nightlab/link/go"):
    open("/nightlab/link/go").read()
child = os.fork()
if child == 0:
    if uid:
        os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
    os.execv(sys.executable, [sys.executable, "-I", "-c", code])
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
if os.path.exists("/nightlab/link/done"):
    open("/nightlab/link/done").read()
sys.exit(0 if len(sys.argv) > 3 else code if code >= 0 else 128 - code)
"""


@dataclass(frozen=True)
class Ran:
    """What a container did."""

    output: str
    state: ContainerState
    reading: Reading
    container: Container
    inspected: dict[str, Any]

    @property
    def json(self) -> Any:
        return json.loads(self.output.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def base_image() -> str:
    """Image id of a Debian with Python and nothing of nightlab; made once per machine."""
    _, client = connect()
    with closing(client):
        if not client.images.list(IMAGE):
            _bootstrap()
        return str(client.images.get(IMAGE).id)


def _bootstrap() -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "base.tar"
        packages = "--include=python3-minimal,libpython3-stdlib"
        subprocess.run(["mmdebstrap", "--variant=minbase", packages, "bookworm", archive], check=True)
        subprocess.run(["docker", "import", archive, IMAGE], check=True)


@pytest.fixture
def study_id() -> str:
    return f"test{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def engine(tmp_path: Path, study_id: str) -> AsyncIterator[Engine]:
    """An engine with a state directory of its own; whatever a test leaves there is removed, and must be removable."""
    engine = await Engine.open(tmp_path / "state")
    try:
        yield engine
    finally:
        problems = await engine.remove_leftovers(await engine.leftovers())
        left = await engine.leftovers()
        await engine.close()
        assert problems == ()
        assert left.is_empty, left.lines()


@pytest.fixture
def make_spec(engine: Engine, base_image: str, study_id: str) -> Callable[..., ContainerSpec]:
    def make(code: str, *, uid: int = WORKLOAD, always_zero: bool = False, **fields: Any) -> ContainerSpec:
        arguments = (code, str(uid), *(["always-zero"] if always_zero else []))
        spec = ContainerSpec(
            name=f"nightlab-{study_id}-t0-a1",
            image_id=base_image,
            entrypoint=(PYTHON, "-I", "-c", STAND_IN, *arguments),
            labels=engine.labels(study_id, trial="0", attempt="1"),
            limits=Limits(512 * MiB, pids=64, tmp_bytes=32 * MiB, shm_bytes=32 * MiB),
        )
        return replace(spec, **fields)

    return make


@pytest.fixture
def run_spec(engine: Engine) -> Callable[..., Awaitable[Ran]]:
    async def run(spec: ContainerSpec, *, workspace_in_memory: str | None = None, timeout_s: float = 60.0) -> Ran:
        link = engine.link_dir(spec.name)
        link.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("go", "done"):
            os.mkfifo(link / name, 0o600)
        container = await engine.create(replace(spec, link_dir=str(link)))
        await engine.start(container)
        meter = await engine.meter(container, workspace_in_memory=workspace_in_memory)
        meter.start()
        await _release(link / "go", before_release=meter.mark_launch)
        await _release(link / "done", before_release=lambda: None, timeout_s=timeout_s)
        reading = meter.stop()
        state = await engine.wait(container, timeout_s)
        output = await engine.log_tail(container, 200)
        inspected = engine.client.api.inspect_container(container.container_id)
        await engine.remove(container)
        shutil.rmtree(link)
        return Ran(output, state, reading, container, inspected)

    return run


async def _release(fifo: Path, *, before_release: Callable[[], None], timeout_s: float = 20.0) -> None:
    """Meet the stand-in at a fifo: opening it for writing waits until it has opened it for reading."""
    opening = asyncio.create_task(asyncio.to_thread(os.open, fifo, os.O_WRONLY))
    done, _ = await asyncio.wait({opening}, timeout=timeout_s)
    if not done:
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))  # frees the thread
        pytest.fail(f"the container did not come to {fifo.name} within {timeout_s} s")
    before_release()
    os.close(opening.result())


@pytest.fixture
async def workspace(engine: Engine, study_id: str) -> VolumeMount:
    """A 64 MiB workspace of the kind that this machine allows, mounted at /work."""
    kind = engine.choose_workspace_kind("auto")
    volume = await engine.make_workspace(f"nightlab-{study_id}-ws", 64 * MiB, kind, study_id=study_id)
    return VolumeMount(volume.name, "/work", read_only=False)
