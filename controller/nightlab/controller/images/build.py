"""Builds the user's image as their own `docker build` would. How a build is run belongs to `images.builder`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import docker

from nightlab.controller.errors import ImageError
from nightlab.controller.images.base import ensure_named_bases
from nightlab.controller.images.builder import BUILD_TIMEOUT_S, Build, Builder, Progress, quiet, run_build


def build_image(
    client: docker.DockerClient,
    context: Path,
    dockerfile: Path,
    *,
    tag: str | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str = "",
    network: bool = True,
    labels: Mapping[str, str] | None = None,
    progress: Progress = quiet,
    timeout_s: float = BUILD_TIMEOUT_S,
    builder: Builder = "auto",
) -> str:
    """Build an image; those of our base images that its Dockerfile names are made first.

    Args:
        client: The engine that builds and then has the image.
        context: Folder that COPY reads from; its .dockerignore holds.
        dockerfile: Inside the context or elsewhere.
        tag: Name to give; None leaves the image without one.
        build_args: As `docker build --build-arg`.
        target: Stage to build; empty: the last.
        network: Whether RUN steps may use the network, as a plain `docker build` does.
        labels: Put on the image.
        progress: Called with one line as each step begins.
        timeout_s: Of the whole build.
        builder: "auto" uses the docker command where its BuildKit works on this engine.

    Returns:
        The image id, "sha256:...".

    Raises:
        ImageError: With the step that failed and the last lines of the output.
    """
    if not dockerfile.is_file():
        raise ImageError(f"there is no Dockerfile at {dockerfile}; name it in [image] dockerfile")
    if not context.is_dir():
        raise ImageError(f"the build context {context} is no folder; name it in [image] context")
    arguments = dict(build_args or {})
    ensure_named_bases(client, dockerfile, arguments, progress=progress)
    build = Build(
        context=context.resolve(),
        dockerfile=dockerfile.resolve(),
        tag=tag,
        build_args=arguments,
        target=target,
        network=network,
        labels=dict(labels or {}),
    )
    return run_build(client, build, progress=progress, timeout_s=timeout_s, builder=builder)
