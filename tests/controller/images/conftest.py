"""An engine, the toolbox in it, and three images that know nothing of nightlab."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from nightlab.controller.images import Toolbox, build_image, ensure_base, ensure_toolbox
from nightlab.controller.images.toolbox import MOUNT

FOREIGN = Path(__file__).parent / "foreign"
SUPERVISOR_CAPABILITIES = ("SETUID", "SETGID", "KILL")


@dataclass(frozen=True)
class Run:
    """What a container did."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="session")
def base(client: docker.DockerClient) -> str:
    return ensure_base(client)


@pytest.fixture(scope="session")
def toolbox(client: docker.DockerClient) -> Toolbox:
    return ensure_toolbox(client)


@pytest.fixture(scope="session")
def foreign_image(client: docker.DockerClient, base: str) -> Iterator[Callable[[str], str]]:
    """Build a stage of foreign/Dockerfile and return its image id: scratch, musl or hostile."""
    built: dict[str, str] = {}

    def image(stage: str) -> str:
        if stage not in built:
            # An id of its own: what another run of these tests built and removes stays apart.
            arguments, labels = {"BASE": base}, {"nightlab.test": "images", "nightlab.test.process": str(os.getpid())}
            dockerfile = FOREIGN / "Dockerfile"
            built[stage] = build_image(client, FOREIGN, dockerfile, target=stage, build_args=arguments, labels=labels)
        return built[stage]

    yield image
    for image_id in built.values():
        client.images.remove(image_id, force=True)


@pytest.fixture
def run(client: docker.DockerClient, toolbox: Toolbox) -> Callable[..., Run]:
    """Run a command line in an image with the toolbox mounted, as hardened as a trial is where it matters here."""

    def run_in(image: str, command: Sequence[str], *, environment: dict[str, str] | None = None) -> Run:
        container = client.containers.create(
            image,
            entrypoint=command[0],
            command=list(command[1:]),
            environment=environment or {},
            mounts=[docker.types.Mount(MOUNT, toolbox.volume, type="volume", read_only=True, no_copy=True)],
            labels={"nightlab.test": "images"},
            network_mode="none",
            read_only=True,
            user="0:0",
            cap_drop=["ALL"],
            cap_add=list(SUPERVISOR_CAPABILITIES),
            security_opt=["no-new-privileges:true"],
            use_config_proxy=False,
        )
        try:
            container.start()
            status = container.wait(timeout=60)["StatusCode"]
            streams = (container.logs(stdout=True, stderr=False), container.logs(stdout=False, stderr=True))
            return Run(status, *(stream.decode() for stream in streams))
        finally:
            container.remove(force=True)

    return run_in
