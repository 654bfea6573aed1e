"""Finds everything of ours on the engine and the machine, and removes it.

Found by label, by the place of a loop device's file and by the state directory: what is not in the store is found too.
Which of it is still wanted, the study's reconciliation decides.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import docker
import docker.errors

from nightlab.controller.engine import loops
from nightlab.controller.engine.calls import engine_errors
from nightlab.controller.engine.containers import Container, Containers
from nightlab.controller.engine.volumes import Volumes
from nightlab.controller.errors import EngineError

UNTAGGED: Final = "<none>:<none>"  # engine 20.10 lists it as a tag
VOLUMES_FOLDER: Final = "volumes"
T = TypeVar("T")


def links_folder(state_dir: Path) -> Path:
    """Say where the link sockets of a state directory lie: short, because a socket's path holds 107 bytes.

    They need not survive a reboot, for containers do not either. The folder is named by a hash of the state directory.
    """
    if os.geteuid() == 0:
        runtime = Path("/run/nightlab")
    else:
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"nightlab-{os.geteuid()}"
    return runtime / hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was found.

    Attributes:
        containers: Of any status.
        volumes: Names.
        images: Files of loop volumes whose volume is gone.
        link_dirs: Directories of sockets, and their locks.
        study_images: Tags of images that were built for studies.
    """

    containers: tuple[Container, ...] = ()
    volumes: tuple[str, ...] = ()
    images: tuple[Path, ...] = ()
    link_dirs: tuple[Path, ...] = ()
    study_images: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing of ours is left."""
        return not (self.containers or self.volumes or self.images or self.link_dirs or self.study_images)

    def lines(self) -> tuple[str, ...]:
        """One line for each thing, for a dry run."""
        return (
            *(f"container {container.name}" for container in self.containers),
            *(f"volume {name}" for name in self.volumes),
            *(f"file {path}" for path in self.images),
            *(f"directory {path}" for path in self.link_dirs),
            *(f"image {tag}" for tag in self.study_images),
        )


class Cleanup:
    """Finds and removes what one state directory owns.

    Args:
        client: Of the engine; stays the caller's.
        containers: Of the engine.
        volumes: Of the state directory.
        state_dir: The state directory.
    """

    def __init__(self, client: docker.DockerClient, containers: Containers, volumes: Volumes, state_dir: Path) -> None:
        self._client = client
        self._containers = containers
        self._volumes = volumes
        self._state_dir = state_dir.resolve()

    def find(self, study_id: str | None = None, *, with_images: bool = False) -> Leftovers:
        """List what is there.

        Args:
            study_id: Of one study only; None: of all studies of the state directory.
            with_images: Also the images that were built for studies.
        """
        filters = {"nightlab.state_dir": str(self._state_dir)}
        if study_id is not None:
            filters["nightlab.study"] = study_id
        volumes = self._find_volumes(filters)
        return Leftovers(
            self._containers.list(filters),
            volumes,
            tuple(self._find_images(study_id, volumes)),
            tuple(self._find_link_dirs(study_id)),
            self._find_study_images(filters) if with_images else (),
        )

    def remove(self, leftovers: Leftovers) -> tuple[str, ...]:
        """Remove what was found, containers first.

        Returns:
            What could not be removed, one line each; a later call may do it.
        """
        problems: list[str] = []
        for container in leftovers.containers:
            problems += _tried(container.name, self._containers.remove, container.container_id)
        for name in leftovers.volumes:
            problems += _tried(name, self._volumes.remove, name)
        for path in leftovers.images:
            problems += _tried(str(path), loops.detach, path)
        for folder in leftovers.link_dirs:
            problems += _tried(str(folder), _remove_path, folder)
        for tag in leftovers.study_images:
            problems += _tried(tag, self._remove_image, tag)
        with suppress(OSError):  # another study's links may lie there
            links_folder(self._state_dir).rmdir()
        return tuple(problems)

    def _find_volumes(self, filters: Mapping[str, str]) -> tuple[str, ...]:
        wanted = [f"{name}={value}" for name, value in filters.items()]
        with engine_errors("list volumes"):
            answer = self._client.api.volumes(filters={"label": wanted})
        return tuple(sorted(row["Name"] for row in answer.get("Volumes") or ()))

    def _find_study_images(self, filters: Mapping[str, str]) -> tuple[str, ...]:
        wanted = [f"{name}={value}" for name, value in filters.items()]
        with engine_errors("list images"):
            answer = self._client.api.images(filters={"label": wanted})
        return tuple(sorted(name for row in answer for name in image_names(row)))

    def _remove_image(self, tag: str) -> None:
        with engine_errors(f"remove image {tag}"), suppress(docker.errors.NotFound):
            self._client.api.remove_image(tag)

    def _find_images(self, study_id: str | None, volumes: Iterable[str]) -> Iterable[Path]:
        """Files and attached devices, also of files that someone deleted."""
        folder = self._state_dir / VOLUMES_FOLDER
        known = {self._volumes.image_path(name) for name in volumes}
        files = {path for path in folder.glob("*") if path.suffix in (".img", ".partial")} | loops.attached(
            folder
        ).keys()
        prefix = "" if study_id is None else f"nightlab-{study_id}-"
        return sorted(path for path in files - known if path.name.startswith(prefix))

    def _find_link_dirs(self, study_id: str | None) -> Iterable[Path]:
        prefix = "" if study_id is None else f"nightlab-{study_id}-"
        folder = links_folder(self._state_dir)
        return sorted(path for path in folder.glob("*") if path.name.startswith(prefix) and not path.is_symlink())


def _remove_path(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tried(what: str, remove: Callable[[T], object], thing: T) -> list[str]:
    try:
        remove(thing)
    except (EngineError, OSError) as error:
        return [f"{what}: {error}"]
    return []


def image_names(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what removes a listed image: its tags, or its id where it has none."""
    tags = tuple(tag for tag in row.get("RepoTags") or () if tag != UNTAGGED)
    return tags or (str(row["Id"]),)
