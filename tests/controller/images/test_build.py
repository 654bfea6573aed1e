"""An image is built as the user's own `docker build` would, and a failure says where."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from nightlab.controller.errors import ImageError
from nightlab.controller.images import build_image
from nightlab.controller.images.builder import engine_address, find_docker_command

pytestmark = pytest.mark.docker
BUILDERS = ["sdk", "command"] if find_docker_command() else ["sdk"]
LABELS = {"nightlab.test": "build"}

Build = Callable[..., str]


@pytest.fixture(params=BUILDERS)
def build(request, client, base, tmp_path) -> Iterator[Build]:
    """Build a Dockerfile text in tmp_path with either builder; BASE stands for the base image."""
    made: list[str] = []

    def build_text(text: str, **settings: object) -> str:
        dockerfile = tmp_path / "Dockerfile"
        dockerfile.write_text(text.replace("BASE", base))
        made.append(build_image(client, tmp_path, dockerfile, builder=request.param, labels=LABELS, **settings))
        return made[-1]

    yield build_text
    for image in made:
        with contextlib.suppress(docker.errors.APIError):  # gone, or shared with a later layer
            client.images.remove(image, force=True)


def output(client: docker.DockerClient, image: str, *command: str) -> str:
    return client.containers.run(image, list(command), network_mode="none", remove=True).decode()


def test_the_context_is_there_less_what_dockerignore_names(client, build, tmp_path):
    (tmp_path / ".dockerignore").write_text("secret*\n!secret.kept\n")
    for name in ("secret.env", "secret.kept", "train.py"):
        (tmp_path / name).write_text(name)
    image = build("FROM BASE\nCOPY . /app\n")
    assert output(client, image, "ls", "/app").split() == ["Dockerfile", "secret.kept", "train.py"]


def test_what_nightlab_keeps_in_the_repo_stays_out_of_the_image(client, build, tmp_path):
    (tmp_path / ".dockerignore").write_text("*.log\n")
    for name in (".nightlab/store", "deep/.nightlab/store", "nightlab.toml", "train.py", "a.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    image = build("FROM BASE\nCOPY . /app\n")
    files = set(output(client, image, "find", "/app", "-type", "f").split())
    assert files == {"/app/.dockerignore", "/app/Dockerfile", "/app/train.py"}


def test_arguments_target_labels_and_tag_hold_and_steps_are_told(client, build):
    steps: list[str] = []
    image = build(
        'FROM BASE AS first\nARG WORD=none\nRUN echo "$WORD" > /word; echo one step\nFROM first AS last\nRUN false\n',
        build_args={"WORD": "said here"},
        target="first",
        tag="nightlab-test/build:tagged",
        progress=steps.append,
    )
    assert output(client, image, "cat", "/word") == "said here\n"
    assert client.images.get("nightlab-test/build:tagged").id == image
    assert LABELS.items() <= client.images.get(image).labels.items()
    assert any("echo one step" in step for step in steps)


def test_a_build_without_network_has_none(client, build):
    image = build("FROM BASE\nRUN ls /sys/class/net > /interfaces\n", network=False)
    assert output(client, image, "cat", "/interfaces") == "lo\n"


def test_a_failure_names_the_step_and_ends_with_the_output(build):
    text = "FROM BASE\nRUN echo fine\nRUN echo 'no \x1b[31mcompiler' && exit 3\n"
    with pytest.raises(ImageError, match=r"no .\[31mcompiler") as caught:
        build(text)
    message = str(caught.value)
    assert "failed at step" in message.splitlines()[0]
    assert "&& exit 3" in message.splitlines()[0]
    assert "\x1b" not in message
    assert "docker build --file" in caught.value.hint
    assert "sha256:" not in message
    assert "load build context" not in message
    assert "--label" not in caught.value.hint


def test_a_build_that_hangs_is_ended(build):
    before = time.monotonic()
    with pytest.raises(ImageError):
        build("FROM BASE\nRUN sleep 50\n", timeout_s=3)
    assert time.monotonic() - before < 30


def test_a_dockerfile_may_lie_outside_the_context(client, base, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "word").write_text("inside\n")
    (tmp_path / "Other").write_text(f"FROM {base}\nCOPY word /word\n")
    for builder in BUILDERS:
        image = build_image(client, context, tmp_path / "Other", builder=builder, labels=LABELS)
        assert output(client, image, "cat", "/word") == "inside\n"
        with contextlib.suppress(docker.errors.APIError):
            client.images.remove(image, force=True)


def test_a_missing_dockerfile_or_context_is_named(client, tmp_path):
    with pytest.raises(ImageError, match=r"no Dockerfile at .*/Dockerfile"):
        build_image(client, tmp_path, tmp_path / "Dockerfile")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(ImageError, match=r"context .*/nowhere is no folder"):
        build_image(client, tmp_path / "nowhere", tmp_path / "Dockerfile")


def test_a_docker_command_without_its_build_component_is_passed_over(tmp_path, monkeypatch):
    """As on a machine where a bare client shadows a complete one."""
    programs = {
        "bare": '[ "$1" = --version ] && echo "Docker version 28.2.2, build e6534b4" && exit; exit 1',
        "old": '[ "$1" = --version ] && echo "Docker version 20.10.24+dfsg1, build 297e128" && exit; exit 1',
        "complete": 'echo "github.com/docker/buildx v0.30.0"',
    }
    for name, script in programs.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name / "docker").chmod(0o755)

    def found(*names: str) -> str | None:
        monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in names))
        return find_docker_command()

    assert found("bare", "old", "complete") == str(tmp_path / "old/docker")
    assert found("bare", "complete") == str(tmp_path / "complete/docker")
    assert found("bare") is None


def test_the_command_is_told_the_clients_engine():
    client = docker.DockerClient(base_url="unix:///run/user/1000/docker.sock", version="1.41")
    assert engine_address(client) == "unix:///run/user/1000/docker.sock"
