"""The images that programs of a corpus run in: plain Python, and one with torch and numpy from local wheels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import docker

from nightlab.controller.errors import ConfigError
from nightlab.controller.images.assets import images_root
from nightlab.controller.images.base import ensure_python_base
from nightlab.controller.images.build import build_image
from nightlab.controller.images.builder import Progress

TAG: Final = "nightlab-bench/corpus:latest"
PACKAGES: Final = frozenset({"numpy", "torch"})


def ensure_image(client: docker.DockerClient, needs: Iterable[str], wheels: Path, *, progress: Progress) -> str:
    """Make sure of the image for programs with such needs.

    Args:
        client: The engine.
        needs: Packages beyond the standard library.
        wheels: Folder with the wheels of torch, numpy and what they need.
        progress: Called with one line as each step begins.

    Returns:
        Its tag.

    Raises:
        ConfigError: A package is needed that no image of ours has, or the wheels are missing.
        ImageError: It cannot be built.
    """
    wanted = set(needs)
    if unknown := sorted(wanted - PACKAGES):
        raise ConfigError(f"a case needs {unknown[0]}, and the image has only {', '.join(sorted(PACKAGES))}")
    if not wanted:
        return ensure_python_base(client, progress=progress)
    if wheels.name != "wheels" or not any(wheels.glob("torch-*.whl")):
        raise ConfigError(
            f"{wheels} has no wheel of torch, which {len(wanted)} of the packages are made of; "
            "run examples/tinygpt/prepare.sh, or name another folder called wheels with --wheels"
        )
    build_image(client, wheels.parent, images_root() / "corpus/Dockerfile", tag=TAG, network=False, progress=progress)
    return TAG
