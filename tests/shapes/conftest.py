"""The engine and the base images that the shapes and the hostile images are built on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import docker
import pytest
from docker.errors import ContainerError

from nightlab.controller.images.base import ensure_base, ensure_python_base
from nightlab.controller.images.build import build_image

TAG: Final = "nightlab-test/{name}"
LABELS: Final = {"nightlab.test": "shapes"}

Build = Callable[[str, Path], str]


class Runner(Protocol):
    """Runs one command in a throw-away container without a network."""

    def __call__(self, image: str, command: str | None = None, env: Mapping[str, str] | None = None) -> str:
        """Return what it printed on stdout and stderr; a failure raises docker.errors.ContainerError."""
        ...


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def build_on_python(engine: docker.DockerClient) -> Build:
    return _builder(engine, ensure_python_base(engine))


@pytest.fixture(scope="session")
def build_on_debian(engine: docker.DockerClient) -> Build:
    return _builder(engine, ensure_base(engine))


def _builder(engine: docker.DockerClient, base: str) -> Build:
    # The tag stays: it keeps the layers, so that the next build of the same repo costs nothing.
    def build(name: str, context: Path) -> str:
        tag = TAG.format(name=name)
        return build_image(engine, context, context / "Dockerfile", tag=tag, build_args={"BASE": base}, labels=LABELS)

    return build


@pytest.fixture(scope="session")
def run_alone(engine: docker.DockerClient) -> Runner:
    def run(image: str, command: str | None = None, env: Mapping[str, str] | None = None) -> str:
        environment = {**(env or {}), "OPENBLAS_NUM_THREADS": "1"}
        container = engine.containers.create(image, command, environment=environment, network_mode="none")
        try:
            container.start()
            status = container.wait(timeout=120)["StatusCode"]
            output = bytes(container.logs(stdout=True, stderr=True))
        finally:
            container.remove(v=True, force=True)
        if status != 0:
            raise ContainerError(container, status, command, image, output)
        return output.decode()

    return run
