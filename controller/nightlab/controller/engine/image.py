"""What an image says of itself: the part that a container's policy and a workload's environment need."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nightlab.controller.errors import ImageError

MOST_VOLUMES: Final = 32


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image, by id. All of it is untrusted.

    Attributes:
        image_id: "sha256:...".
        env: Its ENV, for the workload alone.
        entrypoint: Its ENTRYPOINT.
        command: Its CMD.
        user: Its USER.
        workdir: Its WORKDIR, "/" if it has none.
        volumes: Its VOLUME paths, normal.
        label_names: Names of its LABELs.
        architecture: As Docker has it, "amd64".
    """

    image_id: str
    env: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    workdir: str
    volumes: tuple[str, ...]
    label_names: tuple[str, ...]
    architecture: str


def read_image(answer: Mapping[str, Any]) -> ImageFacts:
    """Read the engine's answer about an image.

    Raises:
        ImageError: It asks for something that no container of ours has.
    """
    config = answer.get("Config") or {}
    image_id = str(answer["Id"])
    return ImageFacts(
        image_id=image_id if image_id.startswith("sha256:") else f"sha256:{image_id}",
        env=_env(image_id, config.get("Env") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=str(config.get("User") or ""),
        workdir=_absolute(str(config.get("WorkingDir") or "/")),
        volumes=_volumes(image_id, config.get("Volumes") or {}),
        label_names=tuple(sorted(config.get("Labels") or ())),
        architecture=str(answer.get("Architecture", "")),
    )


def _volumes(image_id: str, volumes: Mapping[str, Any]) -> tuple[str, ...]:
    if len(volumes) > MOST_VOLUMES:
        raise ImageError(
            f"image {image_id} declares {len(volumes)} volumes, more than {MOST_VOLUMES}; remove VOLUME lines"
        )
    return tuple(sorted({_absolute(path) for path in volumes}))


def _absolute(path: str) -> str:
    """Images that no builder made can have relative paths."""
    return posixpath.normpath(posixpath.join("/", path))


def _env(image_id: str, entries: Iterable[str]) -> dict[str, str]:
    env = dict(entry.partition("=")[::2] for entry in entries)
    wrong = [name for name, value in env.items() if not name or "\0" in name + value]
    if wrong:
        raise ImageError(f"image {image_id} has an ENV entry {wrong[0]!r} that no process can have; build it anew")
    return env
