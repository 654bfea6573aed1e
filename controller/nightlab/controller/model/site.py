"""What a study's image turned out to be: where the repo lies in it, who runs in it, what must be writable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TOOLBOX: Final = "/nightlab/toolbox"
LINK: Final = "/nightlab/link"
SEED: Final = "/nightlab/seed"
HOME: Final = "/home/nightlab"
EDITOR_UID: Final = 65531
WORKLOAD_UID: Final = 65532


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of the container that a run can write.

    Attributes:
        path: Absolute.
        kind: "workspace", "home", "workdir", "volume" or "writable".
        size_bytes: Limit of what may be written.
        seed: Directory below SEED with what the image had there; empty: nothing.
    """

    path: str
    kind: str
    size_bytes: int
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Facts about the image that every trial of a study shares.

    Attributes:
        image_id: "sha256:..."; containers are made from it, never from a tag.
        env: The image's ENV.
        entrypoint: The image's ENTRYPOINT.
        command: The image's CMD.
        image_user: The image's USER, as written.
        uid: Of the workload; never 0.
        gid: Of the workload.
        user: Name of the uid in the image, or "nightlab".
        home: Writable, absolute.
        workspace: Where the repo appears.
        workdir: Where the training command starts.
        places: The workspace first.
        volumes: The image's VOLUME paths.
        seed_volume: Read-only copy of what the image has in the places and the repo does not track; "" if nothing.
        data_volume: What `prepare` made; "" without one.
        seeded: Relative paths below the workspace that come from the seed, as made in a trial.
        python: Of the interpreter that the training command resolves to: (3, 11); None if it is not Python.
        unreadable: What the workload cannot read of what root could, topmost paths.
        modules: What the interpreter imports without the repo: "json", "torch", "google.protobuf"; empty if not asked.
        search_path: Its sys.path, absolute.
        user_site: Where the image has modules for the workload's user alone; "" without.
        notes: For the report.
    """

    image_id: str
    env: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    image_user: str
    uid: int
    gid: int
    user: str
    home: str
    workspace: str
    workdir: str
    places: tuple[Place, ...]
    volumes: tuple[str, ...] = ()
    seed_volume: str = ""
    data_volume: str = ""
    seeded: tuple[str, ...] = ()
    python: tuple[int, int] | None = None
    unreadable: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    search_path: tuple[str, ...] = ()
    user_site: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the machine that one trial has for itself.

    Attributes:
        slot: From 0; a row of the timeline.
        cpuset: Cores as the engine writes them ("0-1"); empty: any.
        gpu_uuids: GPUs by UUID.
    """

    slot: int = 0
    cpuset: str = ""
    gpu_uuids: tuple[str, ...] = field(default_factory=tuple)
