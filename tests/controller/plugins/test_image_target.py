"""`nightlab plugin check --image`: each life is a hardened container, and none is left.

The image that keeps the protocol is the example's, in tests/examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import docker
import pytest
from tests.examples.plugins import NODE_TAG, build_node
from typer.testing import CliRunner

from nightlab.controller.cli.app import app
from nightlab.controller.plugins.image_target import ImageTarget

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]  # the first run builds the image
IMAGE = f"{NODE_TAG}:latest"
SERVES = "exec node /plugin/plugin.js"


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=300)
    build_node(client)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("check", "script", "says"),
    [
        ("confined", f"echo started > /plugin/log && {SERVES}", "ead-only file system"),
        ("confined", f"test $(id -u) = 0 && {SERVES}", "ended with status 1"),
        ("sigterm", f"setsid sleep 600 & {SERVES}", "left 1 processes behind"),
        ("no-socket", "node /plugin/plugin.js || exit 0", "exit with an error"),
    ],
)
def test_an_image_that_does_not_keep_its_promise_is_found(
    client: docker.DockerClient, check: str, script: str, says: str
) -> None:
    command = ["plugin", "check", "--image", IMAGE, "--only", check, "--", "sh", "-c", script]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1, done.output
    (found,) = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
    assert (found["check"], found["status"]) == (check, "failed")
    assert says in found["message"]


def test_no_container_is_left_when_it_is_interrupted(client: docker.DockerClient) -> None:
    with pytest.raises(KeyboardInterrupt), ImageTarget(IMAGE, note=print) as target:
        name = target.start()._started.linked.container.name
        assert client.containers.get(name).status == "running"
        raise KeyboardInterrupt
    with pytest.raises(docker.errors.NotFound):
        client.containers.get(name)


def test_an_image_that_is_not_there_is_an_error_with_a_remedy() -> None:
    done = CliRunner().invoke(app, ["plugin", "check", "--image", "nightlab-test/nowhere:latest"])
    assert done.exit_code == 1
    assert "has no image" in done.stderr and "docker pull" in done.stderr
