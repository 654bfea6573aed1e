"""The plugin in JavaScript: its own tests pass in its own image, and it speaks the contract of this nightlab."""

from __future__ import annotations

import json
from collections.abc import Iterator

import docker
import pytest
from tests.examples.plugins import EXAMPLES, NODE, NODE_TAG, build_node
from typer.testing import CliRunner

from nightlab.controller.cli.app import app

pytestmark = pytest.mark.timeout(900)  # the first run builds the image


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=300)
    yield client
    client.close()


def test_its_contract_is_the_one_of_this_nightlab() -> None:
    contract = EXAMPLES.parent / "proto/nightlab/api/plugin/v1/plugin.proto"
    assert (NODE / "plugin.proto").read_bytes() == contract.read_bytes(), "copy the contract into examples/plugin-node"


def test_everything_that_it_takes_from_elsewhere_is_pinned() -> None:
    wanted = json.loads((NODE / "package.json").read_text())["dependencies"]
    packages = json.loads((NODE / "package-lock.json").read_text())["packages"]
    assert packages[""]["dependencies"] == wanted
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
    assert all("integrity" in package for path, package in packages.items() if path)


@pytest.mark.docker
@pytest.mark.slow
def test_its_own_tests_pass_in_its_image(client: docker.DockerClient) -> None:
    assert build_node(client, target="tested").startswith("sha256:")


@pytest.mark.docker
def test_the_image_asks_and_does_not_run_as_root(client: docker.DockerClient) -> None:
    config = client.images.get(build_node(client)).attrs["Config"]
    assert config["Labels"]["nightlab.plugin.name"] == "yaml-moves"
    assert config["User"] == "65532:65532"


@pytest.mark.docker
def test_the_image_keeps_the_contract(client: docker.DockerClient) -> None:
    build_node(client)
    workspace = EXAMPLES.parent / "tests/data/plugins/night/repo"
    command = ["plugin", "check", "--image", f"{NODE_TAG}:latest", "--workspace", str(workspace)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert " 0 failed" in done.stdout.splitlines()[-1]
