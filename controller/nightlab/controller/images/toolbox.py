"""Makes sure of the toolbox: an image, built once per content, and the volume that is filled from it.

The volume is what trials mount read-only at MOUNT, in an image that knows nothing of nightlab. What it holds is decided
in images/toolbox; how a container that mounts it is hardened, in `engine.policy`.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from nightlab.controller.errors import ImageError
from nightlab.controller.images.base import ensure_base, has_image
from nightlab.controller.images.builder import Build, Progress, quiet, run_build
from nightlab.controller.images.context import toolbox_digest, write_context
from nightlab.controller.images.lock import images_lock

MOUNT: Final = "/nightlab/toolbox"
EXEC_HELPER: Final = f"{MOUNT}/bin/nightlab-exec"
RUFF: Final = f"{MOUNT}/bin/ruff"
# The whole environment of the supervisor; none of the image's reaches it. OpenSSL, which hashes contents, would else
# load what a configuration file of the image names, and Python the image's C.UTF-8 locale. The allocator settings keep
# the idle supervisor small.
SUPERVISOR_ENVIRONMENT: Final = (
    "LC_ALL=C",
    "OPENSSL_CONF=/dev/null",
    "MALLOC_ARENA_MAX=1",
    "MALLOC_MMAP_THRESHOLD_=4194304",
    "MALLOC_TRIM_THRESHOLD_=16777216",
)
# The toolbox's Python: a static program clears the environment and calls the toolbox's own loader by its path, so that
# no loader, library, cache, preload list or PYTHON* variable of the image takes part.
PYTHON: Final = (
    EXEC_HELPER, "--clean-env", *SUPERVISOR_ENVIRONMENT, "--",
    f"{MOUNT}/lib/ld.so", "ld.so", "--inhibit-cache", "--library-path", f"{MOUNT}/lib",
    f"{MOUNT}/bin/python3.11", "-I", "-S", "-X", "utf8",
)  # fmt: skip
ENTRYPOINT: Final = (*PYTHON, "-m", "nightlab.sandbox")
LABEL: Final = "nightlab.toolbox"
IMAGE_LABEL: Final = "io.nightlab.toolbox"
"""Another name: plugins from packages run in this image, and no container has a label of ours from its image."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a container needs to know of the toolbox.

    Attributes:
        volume: Name of the volume to mount read-only at MOUNT.
        digest: Of everything that went in, 12 characters.
        entrypoint: The supervisor's command line, without its own arguments.
        python: The toolbox's Python, to be followed by -m or a script.
        ruff: Path of the pinned ruff inside a container; static.
        exec_helper: Path of nightlab-exec inside a container; static.
        image: Tag of the image that the volume was filled from.
    """

    volume: str
    digest: str
    entrypoint: tuple[str, ...] = ENTRYPOINT
    python: tuple[str, ...] = PYTHON
    ruff: str = RUFF
    exec_helper: str = EXEC_HELPER
    image: str = ""


def ensure_toolbox(client: docker.DockerClient, *, progress: Progress = quiet) -> Toolbox:
    """Build the toolbox and fill its volume where that has not been done, and check every file of it.

    A volume that another content was written to, or that was left half full, is made anew.

    Args:
        client: The engine.
        progress: Called with a line per longer step.

    Raises:
        ImageError: It cannot be built, or the engine does not fill the volume.
    """
    try:
        digest = toolbox_digest(str(client.info()["Architecture"]))
        base = ensure_base(client, progress=progress)
        with images_lock():
            image = f"nightlab/toolbox:{_version()}-{digest}"
            if not has_image(client, image):
                _build(client, image, base, digest, progress)
            volume = fill_volume(client, image, digest, progress)
    except (DockerException, RequestException) as error:
        raise ImageError(f"the engine failed while the toolbox was made: {error}", hint="try again") from error
    return Toolbox(volume=volume, digest=digest, image=image)


def _version() -> str:
    try:
        return version("nightlab")
    except PackageNotFoundError:
        return "source"


def _build(client: docker.DockerClient, image: str, base: str, digest: str, progress: Progress) -> None:
    progress(f"building the toolbox {image}")
    architecture = str(client.info()["Architecture"])
    with tempfile.TemporaryDirectory(prefix="nightlab-toolbox-") as folder:
        context = Path(folder)
        write_context(context, architecture)
        labels = {IMAGE_LABEL: digest}
        run_build(client, Build(context, context / "Dockerfile", image, {"BASE": base}, labels=labels))


def fill_volume(client: docker.DockerClient, image: str, digest: str, progress: Progress) -> str:
    """Make sure that the volume of a digest holds every file of the toolbox's image as it was built.

    Returns:
        The volume's name.

    Raises:
        ImageError: The engine does not fill it, or a container uses a damaged one.
    """
    volume = f"nightlab-toolbox-{digest}"
    is_there = _has_volume(client, volume)
    if is_there and not (differences := _differences(client, image, volume, digest)):
        return volume
    if is_there:
        progress(f"filling the volume {volume} anew: {differences}")
        _remove_volume(client, volume)
    client.volumes.create(volume, labels={LABEL: digest})
    # Never started: at create, the engine copies the image's content into an empty volume.
    _create(client, image, volume, digest, ["never started"], read_only=False).remove(v=False, force=True)
    if differences := _differences(client, image, volume, digest):
        raise ImageError(
            f"the engine did not fill the volume {volume} as the image {image} has it ({differences}); "
            "see whether its disk is full and its volumes copy an image's content"
        )
    return volume


def _differences(client: docker.DockerClient, image: str, volume: str, digest: str) -> str:
    """Hash the volume's files inside a container; empty if every one is as built."""
    container = _create(client, image, volume, digest, [*PYTHON, f"{MOUNT}/verify.py"], read_only=True)
    try:
        container.start()
        status = int(container.wait(timeout=60)["StatusCode"])
        output = container.logs(tail=10).decode(errors="replace")
    except APIError as error:  # without nightlab-exec there is nothing to start
        return str(error.explanation)[:200]
    finally:
        container.remove(v=False, force=True)
    return "" if status == 0 else " ".join(output.split())[:200] or f"exit status {status}"


def _create(
    client: docker.DockerClient, image: str, volume: str, digest: str, command: list[str], *, read_only: bool
) -> Any:
    mount = docker.types.Mount(MOUNT, volume, type="volume", read_only=read_only, no_copy=read_only)
    return client.containers.create(
        image,
        entrypoint=command[:1],
        command=command[1:],
        mounts=[mount],
        labels={LABEL: digest},
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        use_config_proxy=False,
    )


def _has_volume(client: docker.DockerClient, volume: str) -> bool:
    try:
        client.volumes.get(volume)
    except NotFound:
        return False
    return True


def _remove_volume(client: docker.DockerClient, volume: str) -> None:
    try:
        client.volumes.get(volume).remove()
    except NotFound:
        return
    except APIError as error:
        raise ImageError(
            f"the volume {volume} is damaged and in use by a container: {error.explanation}; "
            "stop running studies and try again"
        ) from error
