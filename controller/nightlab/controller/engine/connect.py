"""Finds the local engine and says what it can do.

Only engines on this very kernel are used: the link is a Unix socket on a bind mount, which does not cross into a
virtual machine or to another host. Installing an engine belongs to `host.engine_setup`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import docker
import docker.errors
import requests.exceptions

from nightlab.controller.engine.calls import API_TIMEOUT_S
from nightlab.controller.engine.facts import EngineFacts, read_facts
from nightlab.controller.errors import EngineMissing, EngineRefused

SYSTEM_SOCKETS: Final = ("/var/run/docker.sock", "/run/podman/podman.sock")
USER_SOCKETS: Final = ("docker.sock", "podman/podman.sock")
FEW_CONNECTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where an engine may be.

    Attributes:
        url: Such as "unix:///var/run/docker.sock".
        origin: Who names it, for messages.
        chosen: Whether the user chose it; then no other is tried.
    """

    url: str
    origin: str
    chosen: bool = False


def connect(environ: Mapping[str, str] | None = None) -> tuple[EngineFacts, docker.DockerClient]:
    """Connect to the local engine.

    The order: DOCKER_HOST, the current Docker context, the sockets of Docker, rootless Docker and Podman. The first
    that answers is used. The caller closes the client.

    Args:
        environ: The environment to read; by default the process's.

    Raises:
        EngineMissing: None answers.
        EngineRefused: The one that was chosen, or found, is remote or inside a virtual machine.
    """
    environment = os.environ if environ is None else environ
    tried: list[str] = []
    for candidate in candidates(environment):
        refuse_remote(candidate)
        client_or_problem = _open(candidate)
        if isinstance(client_or_problem, str):
            tried.append(f"{candidate.origin}: {client_or_problem}")
            if candidate.chosen:
                break
            continue
        return client_or_problem
    raise EngineMissing(
        "no container engine answers (" + ("; ".join(tried) or "no socket found") + "); start Docker or Podman's "
        "socket, or run `nightlab engine ensure` as root on Debian or Ubuntu"
    )


def candidates(environ: Mapping[str, str]) -> Iterator[Candidate]:
    """List where an engine may be, in the order of trying."""
    if host := environ.get("DOCKER_HOST"):
        yield Candidate(host, "DOCKER_HOST", chosen=True)
        return
    name, host = current_context(environ)
    if host:
        yield Candidate(host, f"Docker context {name}", chosen=True)
        return
    paths = list(SYSTEM_SOCKETS)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        paths += [f"{runtime}/{name}" for name in USER_SOCKETS]
    yield from (Candidate(f"unix://{path}", path) for path in paths if Path(path).exists())


def current_context(environ: Mapping[str, str]) -> tuple[str, str]:
    """Read the docker CLI's current context: its name and its endpoint, both empty for the default one.

    Raises:
        EngineRefused: A context is chosen that cannot be read.
    """
    folder = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/")) / ".docker")
    name = environ.get("DOCKER_CONTEXT") or str(_json(folder / "config.json").get("currentContext") or "")
    if name in ("", "default"):
        return "", ""
    meta = _json(folder / "contexts" / "meta" / sha256(name.encode()).hexdigest() / "meta.json")
    host = str(meta.get("Endpoints", {}).get("docker", {}).get("Host", ""))
    if not host:
        raise EngineRefused(
            f"the Docker context {name!r} has no endpoint; choose another: `docker context use default`"
        )
    return name, host


def refuse_remote(candidate: Candidate) -> None:
    """Refuse engines that are not at a Unix socket.

    Raises:
        EngineRefused: The address is another machine's, or may be.
    """
    if candidate.url.startswith("unix://"):
        return
    raise EngineRefused(
        f"{candidate.origin} points to {candidate.url}, which is not a Unix socket: a trial's link is a socket on a "
        "bind mount, which reaches this machine only; unset it or choose a local engine"
    )


def refuse_virtual(facts: EngineFacts, kernel: str) -> None:
    """Refuse engines that run in a virtual machine, such as Docker Desktop.

    Args:
        facts: Of the engine.
        kernel: This machine's release.

    Raises:
        EngineRefused: Its kernel is not ours.
    """
    is_desktop = "docker desktop" in facts.operating_system.lower()
    if not is_desktop and facts.kernel == kernel:
        return
    what = "Docker Desktop" if is_desktop else f"an engine on kernel {facts.kernel} while this machine runs {kernel}"
    raise EngineRefused(
        f"{facts.socket} is {what}: it runs in a virtual machine, into which a trial's Unix socket does not reach; "
        "use Docker Engine or Podman of this machine"
    )


def _open(candidate: Candidate) -> tuple[EngineFacts, docker.DockerClient] | str:
    """Connect to one candidate, or say why not."""
    path = candidate.url.removeprefix("unix://")
    client: docker.DockerClient | None = None
    try:
        client = docker.DockerClient(base_url=candidate.url, timeout=int(API_TIMEOUT_S), max_pool_size=FEW_CONNECTIONS)
        facts = read_facts(path, client.version(), client.info())
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        if client is not None:
            client.close()
        return _problem(path, error)
    try:
        refuse_virtual(facts, os.uname().release)
    except EngineRefused:
        client.close()
        raise
    return facts, client


def _problem(path: str, error: Exception) -> str:
    if not Path(path).exists():
        return "no such socket"
    if not os.access(path, os.W_OK):
        return "permission denied: your user may not use it"
    return f"does not answer ({error})"


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
