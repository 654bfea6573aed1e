"""Containers: created, compared with the policy, started, watched from outside, removed.

All calls block; `engine.Engine` runs them on threads. Exec, cp, archives and published ports are never used: an unread
archive stream alone can keep a container from being killed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import docker
import docker.errors
import requests.exceptions

from nightlab.controller.engine.calls import engine_errors
from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.image import ImageFacts, read_image
from nightlab.controller.engine.inspect_check import check_container
from nightlab.controller.engine.policy import create_arguments, require_protections
from nightlab.controller.engine.posture import posture
from nightlab.controller.engine.spec import ContainerSpec
from nightlab.controller.errors import PostureError

LOG_TAIL_BYTES: Final = 16384
KILLED_EXIT_CODE: Final = 137
CONFLICT: Final = 409
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Container:
    """A container of ours that was found as asked.

    Attributes:
        container_id: 64 hex digits; stays when someone renames it.
        name: As it was made.
        labels: Those of "nightlab." without the prefix.
        posture: See `posture.posture`; empty for one that was found by its label only.
    """

    container_id: str
    name: str
    labels: Mapping[str, str]
    posture: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ContainerState:
    """How a container is.

    Attributes:
        status: "created", "running", "paused", "restarting", "exited", "dead", or "gone" when it was removed.
        exit_code: Of its first process; None while it runs or before.
        oom_killed: The engine's word that the kernel killed something in it for memory. A child's death counts, or not,
            depending on the engine: hold it together with the meter's count.
        pid: Of its first process on the host; 0 if it does not run.
        started_at_s: Unix time; None before its start.
    """

    status: str
    exit_code: int | None = None
    oom_killed: bool = False
    pid: int = 0
    started_at_s: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether its processes can make progress."""
        return self.status == "running"


class EndCause(StrEnum):
    """Why a container ended, as far as it shows from outside."""

    RUNNING = "running"
    EXITED = "exited"
    CHILD_OUT_OF_MEMORY = "child out of memory"
    OUT_OF_MEMORY = "out of memory"
    KILLED = "killed"
    GONE = "gone"


def end_cause(state: ContainerState, oom_kills: int) -> EndCause:
    """Tell an out-of-memory end from a kill and from an exit.

    Args:
        state: The container's.
        oom_kills: The cgroup's count, from the meter.
    """
    if state.status == "gone":
        return EndCause.GONE
    if state.exit_code is None:
        return EndCause.RUNNING
    ran_out = state.oom_killed or oom_kills > 0
    if state.exit_code == KILLED_EXIT_CODE:
        return EndCause.OUT_OF_MEMORY if ran_out else EndCause.KILLED
    return EndCause.CHILD_OUT_OF_MEMORY if ran_out else EndCause.EXITED


class Containers:
    """The containers of an engine.

    Args:
        client: Of the engine; stays the caller's.
        create_client: The same with a longer timeout: creating may copy files.
        facts: Of the engine.
        allow_degraded: Whether a limit that the engine cannot set may be missing.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        create_client: docker.DockerClient,
        facts: EngineFacts,
        *,
        allow_degraded: bool = False,
    ) -> None:
        self._client = client
        self._create_client = create_client
        self._facts = facts
        self._allow_degraded = allow_degraded
        self._images: dict[str, ImageFacts] = {}

    def image(self, image_id: str) -> ImageFacts:
        """Read what an image says of itself, once per id.

        Raises:
            ImageError: It does not exist, or asks for what no container of ours has.
        """
        if image_id not in self._images:
            with engine_errors(f"inspect image {image_id}"):
                self._images[image_id] = read_image(self._client.images.get(image_id).attrs)
        return self._images[image_id]

    def create(self, spec: ContainerSpec) -> Container:
        """Create a container and hold it against the policy; it is not started.

        Raises:
            PostureError: It is not as asked; it has been removed.
            ConfigError: The runtime is unknown.
            ImageError: The image is unknown or unusable.
            EngineError: The engine refused; a container of that name may exist already.
        """
        require_protections(self._facts, allow_degraded=self._allow_degraded)
        asked = create_arguments(spec, self._facts, self.image(spec.image_id))
        found = self._create(spec, asked)
        try:
            accepted = check_container(asked, found, self._facts, allow_degraded=self._allow_degraded)
        except PostureError:
            self.remove(found["Id"])
            raise
        words = posture(found, self._facts, accepted=accepted)
        return _container(found, words)

    def start(self, container: Container) -> None:
        """Start a created container.

        Raises:
            EngineError: The engine refused.
        """
        with engine_errors(f"start container {container.name}"):
            self._create_client.api.start(container.container_id)

    def state(self, container: Container) -> ContainerState:
        """Read how a container is; one that was removed is "gone"."""
        with engine_errors(f"inspect container {container.name}"):
            try:
                found = self._client.api.inspect_container(container.container_id)
            except docker.errors.NotFound:
                return ContainerState("gone")
        return _state(found["State"])

    def kill(self, container: Container) -> None:
        """Kill all processes of a container. It need not run."""
        with engine_errors(f"kill container {container.name}"):
            try:
                self._client.api.kill(container.container_id, "SIGKILL")
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != CONFLICT:  # it does not run
                    raise

    def remove(self, container_id: str) -> None:
        """Kill and remove a container with its directories in memory. It need not exist."""
        with engine_errors(f"remove container {container_id}"):
            try:
                self._client.api.remove_container(container_id, v=True, force=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != CONFLICT or "in progress" not in str(error.explanation):
                    raise

    def find(self, name: str) -> Container | None:
        """Find a container of ours by its name; another's of the same name is none."""
        with engine_errors(f"find container {name}"):
            try:
                found = self._client.api.inspect_container(name)
            except docker.errors.NotFound:
                return None
        container = _container(found, posture(found, self._facts))
        return container if container.labels else None

    def list(self, filters: Mapping[str, str]) -> tuple[Container, ...]:
        """List the containers of ours, running or not, that carry all the labels."""
        wanted = [f"{name}={value}" for name, value in filters.items()]
        with engine_errors("list containers"):
            rows = self._client.api.containers(all=True, filters={"label": ["nightlab.study", *wanted]})
        return tuple(
            Container(row["Id"], (row.get("Names") or ["/"])[0].removeprefix("/"), _labels(row.get("Labels") or {}), {})
            for row in rows
        )

    def wait(self, container: Container, timeout_s: float) -> ContainerState:
        """Block until a container has ended or the time is over, and say how it is then."""
        with engine_errors(f"wait for container {container.name}"):
            try:
                self._client.api.wait(container.container_id, timeout=math.ceil(timeout_s))
            except docker.errors.NotFound:
                return ContainerState("gone")
            except (requests.exceptions.Timeout, requests.exceptions.ConnectionError):
                pass  # the time is over, or the engine went away: reading the state tells which
        return self.state(container)

    def log_tail(self, container: Container, lines: int) -> str:
        """Read the end of what the supervisor itself wrote: why it did not come up. Untrusted text."""
        with engine_errors(f"read the log of container {container.name}"):
            try:
                text: bytes = self._client.api.logs(container.container_id, tail=lines)
            except docker.errors.NotFound:
                return ""
        return text[-LOG_TAIL_BYTES:].decode(errors="replace")

    def _create(self, spec: ContainerSpec, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        with engine_errors(f"create container {spec.name}"):
            try:
                found: Mapping[str, Any] = self._create_client.containers.create(**asked).attrs
            except docker.errors.APIError as error:
                if error.status_code != CONFLICT:
                    self._remove_leftover(spec)
                raise
        return found

    def _remove_leftover(self, spec: ContainerSpec) -> None:
        """Remove what a refused creation left (an unknown runtime, a GPU without a driver), if it is that very one.

        After a conflict or a timeout nothing is removed: the container of that name may be another attempt's, or alive.
        """
        leftover = self.find(spec.name)
        if leftover is not None and leftover.labels.get("spec_sha256") == spec.sha256:
            self.remove(leftover.container_id)


def _container(found: Mapping[str, Any], words: Mapping[str, str]) -> Container:
    labels = _labels((found.get("Config") or {}).get("Labels") or {})
    return Container(found["Id"], str(found["Name"]).removeprefix("/"), labels, words)


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    prefix = "nightlab."
    ours = {name.removeprefix(prefix): value for name, value in labels.items() if name.startswith(prefix)}
    return ours if "study" in ours else {}


def _state(found: Mapping[str, Any]) -> ContainerState:
    status = str(found.get("Status", ""))
    has_ended = status in ("exited", "dead", "stopped")
    return ContainerState(
        status=status,
        exit_code=int(found["ExitCode"]) if has_ended else None,
        oom_killed=bool(found.get("OOMKilled")),
        pid=int(found.get("Pid") or 0),
        started_at_s=_unix_time(str(found.get("StartedAt") or "")),
    )


def _unix_time(text: str) -> float | None:
    """Engines write nanoseconds, which Python does not read, and the year 1 for never."""
    match = _TIME.fullmatch(text)
    if match is None or text.startswith("0001-"):
        return None
    whole, fraction, zone = match.groups()
    return datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]:0<6}{'+00:00' if zone == 'Z' else zone}").timestamp()
