"""What a container is asked to be: frozen values with no engine in them.

How they become an engine's settings is `policy`; there is no field for a device, a capability, a free mount or another
security option, so none can be configured.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from nightlab.controller.errors import ConfigError

MiB: Final = 2**20
TOOLBOX_PATH: Final = "/nightlab/toolbox"
LINK_PATH: Final = "/nightlab/link"
SEED_PATH: Final = "/nightlab/seed"
NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}")
_OWN_PATHS: Final = frozenset({TOOLBOX_PATH, LINK_PATH, SEED_PATH})
_CLOSED: Final = ("/proc", "/sys", "/dev", "/etc", "/nightlab", "/run/docker.sock", "/var/run/docker.sock")


def target_problem(path: str) -> str | None:
    """Say why nothing may be mounted at a path of the container, or None if it may.

    The config's own paths (workspace, data, writable) are held against this before anything starts.
    """
    if not path.startswith("/") or "\0" in path or "," in path:
        return "must be absolute and without a comma or NUL"
    if posixpath.normpath(path) != path or path == "/":
        return 'must be normal (no "..", no double or closing slash) and not "/"'
    for closed in _CLOSED:
        if path == closed or path.startswith(f"{closed}/"):
            return f"lies in {closed}, which is not a repo's"
    return None


@dataclass(frozen=True, slots=True)
class Labels:
    """Whose a container or volume is. Values are names and hashes, never secrets: `docker inspect` shows them.

    Attributes:
        study: Study id.
        state_dir: The state directory it belongs to.
        trial: Trial number; empty outside of a trial.
        attempt: Attempt; empty outside of a trial.
        role: "trial", "prepare", "seed", "probe", ...
    """

    study: str
    state_dir: str
    trial: str = ""
    attempt: str = ""
    role: str = "trial"

    def as_dict(self) -> dict[str, str]:
        """Return the engine's form."""
        return {f"nightlab.{name}": value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A named volume of ours in a container.

    Attributes:
        volume: Its name.
        path: Where it appears.
        read_only: Whether nothing in the container may write it.
        copy_up: Whether the engine fills it, when empty, with what the image has at the path.
    """

    volume: str
    path: str
    read_only: bool = True
    copy_up: bool = False


@dataclass(frozen=True, slots=True)
class Scratch:
    """A writable directory in memory that ends with the container.

    Attributes:
        path: Where it appears; what the image has there is hidden.
        size_bytes: Its limit, inside the container's memory limit.
    """

    path: str
    size_bytes: int = 64 * MiB


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may use.

    Attributes:
        memory_bytes: Limit with swap included; files in memory count.
        cpus: Cores, as a share of time.
        cpuset: The cores it may run on, "2-3"; empty: any.
        spare_cpu_only: Whether it gets only the time that no other container wants; `cpus` is its limit all the same.
        pids: Processes and threads.
        shm_bytes: Size of /dev/shm, inside the memory limit.
        tmp_bytes: Size of /tmp, inside the memory limit.
        image_volume_bytes: Size of each VOLUME of the image, inside the memory limit.
        file_bytes: Largest single file.
        open_files: Descriptors of one process.
    """

    memory_bytes: int
    cpus: float = 1.0
    cpuset: str = ""
    spare_cpu_only: bool = False
    pids: int = 512
    shm_bytes: int = 256 * MiB
    tmp_bytes: int = 256 * MiB
    image_volume_bytes: int = 16 * MiB
    file_bytes: int = 64 * 2**30
    open_files: int = 16384


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container.

    Attributes:
        name: Deterministic, so that a second creation is refused by the engine.
        image_id: "sha256:..."; never a tag, which may move.
        entrypoint: Absolute argv of the supervisor.
        labels: Whose it is.
        limits: What it may use.
        volumes: Volumes of ours, the toolbox and the workspace among them.
        link_dir: Directory of the link's socket on the host, mounted read-only at LINK_PATH; empty: no link.
        scratch: Further writable directories.
        env: Added to the supervisor's clean environment. The workload's is sent over the link.
        gpu_uuids: GPUs it gets.
        runtime: OCI runtime; never another one in its place.
        network: "bridge" only for a preparation whose network the user allowed.
        workspace_kind: "loop", "tmpfs" or "none"; recorded with its posture.
        group: Group of the link's socket where the controller is not root; None elsewhere.
    """

    name: str
    image_id: str
    entrypoint: tuple[str, ...]
    labels: Labels
    limits: Limits
    volumes: tuple[VolumeMount, ...] = ()
    link_dir: str = ""
    scratch: tuple[Scratch, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    gpu_uuids: tuple[str, ...] = ()
    runtime: str = "runc"
    network: Literal["none", "bridge"] = "none"
    workspace_kind: str = "none"
    group: int | None = None

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise ConfigError(f"container {self.name!r}: {problem}")

    @property
    def sha256(self) -> str:
        """Names the whole of it; lowercase hex, recorded as a label."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def _problems(self) -> Iterator[str]:
        if NAME.fullmatch(self.name) is None:
            yield "its name must be letters, digits, '_', '.' and '-', at most 128"
        if re.fullmatch(r"sha256:[0-9a-f]{64}", self.image_id) is None:
            yield f"image {self.image_id!r} is not an image id (sha256:...)"
        if not self.entrypoint or not self.entrypoint[0].startswith("/"):
            yield "its entrypoint must be an absolute path"
        if self.network != "none" and self.labels.role != "prepare":
            yield f"network {self.network!r} is for the prepare command alone, not for {self.labels.role!r}"
        if self.link_dir and (not self.link_dir.startswith("/") or self.link_dir.endswith(".sock")):
            yield f"link directory {self.link_dir!r} must be an absolute directory, not a socket"
        yield from self._target_problems()

    def _target_problems(self) -> Iterator[str]:
        paths = [mount.path for mount in self.volumes] + [scratch.path for scratch in self.scratch]
        paths += [LINK_PATH] if self.link_dir else []
        for path in paths:
            if path not in _OWN_PATHS and (problem := target_problem(path)):
                yield f"{path!r} {problem}"
            if paths.count(path) > 1:
                yield f"{path!r} is mounted twice"
        for mount in self.volumes:
            if NAME.fullmatch(mount.volume) is None:
                yield f"{mount.volume!r} is not the name of a volume"
