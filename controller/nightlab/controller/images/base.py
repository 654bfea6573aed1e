"""Makes sure of the base images: a plain Debian, and one with Python, both under our own tags.

An image that has the tag already is used as it is, whoever made it. Else Debian's own is pulled; where no registry
answers, it is bootstrapped from Debian's packages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import docker
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from nightlab.controller.errors import EngineError, ImageError
from nightlab.controller.host import packages
from nightlab.controller.images import host_settings
from nightlab.controller.images.assets import images_root
from nightlab.controller.images.builder import Build, Progress, engine_address, quiet, run_build
from nightlab.controller.images.lock import images_lock

RELEASE: Final = "bookworm"
DEBIAN_TAG: Final = f"nightlab/debian:{RELEASE}"
BASE_TAG: Final = f"nightlab/base:{RELEASE}"
PYTHON_TAG: Final = "nightlab/python:3.11"
PUBLIC_IMAGE: Final = ("debian", f"{RELEASE}-slim")
PULL_SILENCE_S: Final = 20
BOOTSTRAP_TIMEOUT_S: Final = 600.0
IMAGE_APT_CONF: Final = "etc/apt/apt.conf.d/00nightlab-image"
LABELS: Final = {"io.nightlab.kind": "base"}
# As Debian's slim images: what is only for a person at a terminal stays out.
DPKG_OPTIONS: Final = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
)


def ensure_base(client: docker.DockerClient, *, progress: Progress = quiet) -> str:
    """Make sure of the Debian base image; the certificates in it are this host's.

    Returns:
        Its tag.

    Raises:
        ImageError: No registry answers and it cannot be bootstrapped; the text says what to do.
    """
    with images_lock():
        return _ensure_base(client, progress)


def ensure_python_base(client: docker.DockerClient, *, progress: Progress = quiet) -> str:
    """Make sure of the base image with python, pip and venv.

    Returns:
        Its tag.

    Raises:
        ImageError: It cannot be built.
    """
    with images_lock():
        if not has_image(client, PYTHON_TAG):
            base = _ensure_base(client, progress)
            progress(f"building {PYTHON_TAG}")
            folder = images_root() / "python"
            run_build(client, Build(folder, folder / "Dockerfile", PYTHON_TAG, {"BASE": base}, labels=LABELS))
    return PYTHON_TAG


def ensure_named_bases(
    client: docker.DockerClient,
    dockerfile: Path,
    build_args: Mapping[str, str],
    *,
    progress: Progress = quiet,
) -> None:
    """Make sure of those of our base images that a Dockerfile or a build argument names, before it is built.

    Raises:
        ImageError: One cannot be made.
    """
    text = "\n".join((dockerfile.read_text(errors="replace"), *build_args.values()))
    for tag, ensure in ((BASE_TAG, ensure_base), (PYTHON_TAG, ensure_python_base)):
        if re.search(rf"(?<![\w./-]){re.escape(tag)}(?![\w.-])", text):
            ensure(client, progress=progress)


def has_image(client: docker.DockerClient, name: str) -> bool:
    """Whether the engine has an image of this name.

    Raises:
        ImageError: The engine does not answer.
    """
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    except (DockerException, RequestException) as error:
        raise ImageError(f"cannot ask the engine for the image {name}: {error}") from error
    return True


def _ensure_base(client: docker.DockerClient, progress: Progress) -> str:
    if has_image(client, BASE_TAG):
        return BASE_TAG
    if not has_image(client, DEBIAN_TAG) and not _pull(client, progress):
        _bootstrap(client, progress)
    progress(f"building {BASE_TAG}")
    with tempfile.TemporaryDirectory(prefix="nightlab-base-") as folder:
        context = Path(folder)
        dockerfile = images_root() / "base/Dockerfile"
        files = host_settings.image_files(RELEASE) | {IMAGE_APT_CONF: dockerfile.with_name("apt.conf").read_bytes()}
        for name, content in files.items():
            path = context / "rootfs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        open_modes(context)
        arguments = {"BASE": DEBIAN_TAG}
        run_build(client, Build(context, dockerfile, BASE_TAG, arguments, network=False, labels=LABELS))
    return BASE_TAG


def open_modes(folder: Path) -> None:
    """Give files the modes they have in an image, whatever this process's umask is."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _pull(client: docker.DockerClient, progress: Progress) -> bool:
    repository, tag = PUBLIC_IMAGE
    progress(f"pulling {repository}:{tag}")
    try:
        api = docker.APIClient(base_url=engine_address(client), version="auto", timeout=PULL_SILENCE_S)
        for event in api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise DockerException(str(event["error"]))
        api.tag(f"{repository}:{tag}", DEBIAN_TAG.split(":")[0], RELEASE)
    except (DockerException, RequestException) as error:
        reason = str(getattr(error, "explanation", "") or error)[:160]
        progress(f"no registry answers ({reason}); bootstrapping from Debian's packages")
        return False
    return True


def _bootstrap(client: docker.DockerClient, progress: Progress) -> None:
    _ensure_mmdebstrap(progress)
    progress(f"bootstrapping Debian {RELEASE}")
    with tempfile.TemporaryDirectory(prefix="nightlab-debian-") as folder:
        archive = Path(folder) / "rootfs.tar"
        _run_mmdebstrap(archive)
        repository, tag = DEBIAN_TAG.split(":")
        try:
            with archive.open("rb") as rootfs:
                client.api.import_image_from_data(rootfs, repository=repository, tag=tag)
        except (DockerException, RequestException) as error:
            raise ImageError(f"the engine did not take the bootstrapped {DEBIAN_TAG}: {error}") from error


def _run_mmdebstrap(archive: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--components=main"]
    command += [f"--aptopt={option.rstrip(';')}" for option in host_settings.apt_options()]
    command += [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    command += [RELEASE, str(archive), *host_settings.apt_sources(RELEASE)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=BOOTSTRAP_TIMEOUT_S, cwd="/"
        )
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"mmdebstrap was not done after {BOOTSTRAP_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        tail = "\n  ".join(done.stderr.splitlines()[-10:])
        raise ImageError(f"mmdebstrap failed:\n  {tail}", hint=f"provide an image {BASE_TAG} of your own")


def _ensure_mmdebstrap(progress: Progress) -> None:
    if shutil.which("mmdebstrap"):
        return
    remedy = f"load or pull {':'.join(PUBLIC_IMAGE)} and tag it {DEBIAN_TAG}, or install mmdebstrap"
    if not packages.can_install():
        raise ImageError(f"no registry answers and mmdebstrap is not installed; {remedy}")
    try:
        packages.install(["mmdebstrap", "debian-archive-keyring"], progress)
    except EngineError as error:
        raise ImageError(f"no registry answers and mmdebstrap cannot be installed: {error}", hint=remedy) from error
