"""Makes sure that a container engine answers on this machine.

One that answers is used as it is. Where none does and this process is root on Debian or Ubuntu, the distribution's is
installed and started. Which engine is used, and whether it will do, is decided by `engine.connect`.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nightlab.controller.errors import EngineError, EngineMissing
from nightlab.controller.host import packages

DOCKER_SOCKET: Final = Path("/var/run/docker.sock")
PODMAN_SOCKET: Final = Path("/run/podman/podman.sock")
DAEMON_LOG: Final = Path("/var/log/nightlab-dockerd.log")
ENGINE_PACKAGES: Final = ("docker.io", "iptables", "mmdebstrap", "debian-archive-keyring")
CGROUP_PACKAGE: Final = "cgroupfs-mount"
PING_TIMEOUT_S: Final = 10.0
START_TIMEOUT_S: Final = 90.0
POLL_S: Final = 0.1
BY_HAND: Final = "install Docker or Podman, start its socket, and see that `docker info` answers for this user"


def ensure_engine(progress: Callable[[str], None]) -> None:
    """Return once an engine answers.

    Args:
        progress: Called with a line per longer step.

    Raises:
        EngineMissing: None answers and none can be installed here, or it does not start; the text says what to do.
    """
    if engine_answers():
        return
    if address := os.environ.get("DOCKER_HOST"):
        raise EngineMissing(f"no engine answers at DOCKER_HOST={address}; start it, or unset DOCKER_HOST")
    if DOCKER_SOCKET.exists() and not os.access(DOCKER_SOCKET, os.R_OK | os.W_OK):
        raise EngineMissing(
            f"an engine is at {DOCKER_SOCKET} but this user may not use it; join its group (`sudo usermod -aG docker "
            "$USER`, then log in again) or run a rootless engine"
        )
    if not packages.can_install():
        raise EngineMissing(f"no container engine answers, and only root on Debian or Ubuntu installs one; {BY_HAND}")
    _install_and_start(progress)


def engine_answers() -> bool:
    """Whether an engine answers: at DOCKER_HOST if that is set, else at a usual socket.

    An address that is no Unix socket counts as answering: whether it may be used is not decided here.
    """
    if address := os.environ.get("DOCKER_HOST"):
        return not address.startswith("unix://") or ping(Path(address.removeprefix("unix://")))
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = [Path(runtime) / "docker.sock", Path(runtime) / "podman/podman.sock"] if runtime else []
    return any(ping(path) for path in (DOCKER_SOCKET, PODMAN_SOCKET, *own))


def ping(path: Path) -> bool:
    """Whether an engine answers at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(PING_TIMEOUT_S)
        connection = http.client.HTTPConnection("localhost")
        try:
            link.connect(str(path))
            connection.sock = link
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _install_and_start(progress: Callable[[str], None]) -> None:
    try:
        if shutil.which("dockerd") is None:
            packages.install(ENGINE_PACKAGES, progress)
        if not _has_cgroups():
            packages.install([CGROUP_PACKAGE], progress)
            _run(["cgroupfs-mount"])
        if not engine_answers():
            progress("starting the Docker engine")
            _start()
    except EngineMissing:
        raise
    except EngineError as error:
        raise EngineMissing(f"no container engine answers and installing one failed: {error}", hint=BY_HAND) from error


def _has_cgroups(mounts: Path = Path("/proc/self/mounts")) -> bool:
    return any(line.split(" ")[2] in ("cgroup", "cgroup2") for line in mounts.read_text().splitlines())


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        _run(["systemctl", "start", "docker"])
        _wait(None, "see `journalctl -u docker`")
    elif Path("/proc/1/comm").read_text().strip() == "init" and Path("/etc/init.d/docker").exists():
        _run(["service", "docker", "start"])
        _wait(None, "see /var/log/docker.log")
    else:
        _start_detached()


def _start_detached() -> None:
    """Start the daemon as a process of its own that outlives this one: a machine without an init system."""
    with DAEMON_LOG.open("ab") as log:
        daemon = subprocess.Popen(
            ["dockerd"], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _wait(daemon, f"see {DAEMON_LOG}")


def _wait(daemon: subprocess.Popen[bytes] | None, where: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ping(DOCKER_SOCKET):
        if daemon is not None and daemon.poll() is not None:
            tail = "\n  ".join(DAEMON_LOG.read_text(errors="replace").splitlines()[-6:])
            raise EngineMissing(
                f"the Docker engine ended with status {daemon.returncode} as it started:\n  {tail}",
                hint="where this names iptables: update-alternatives --set iptables /usr/sbin/iptables-legacy",
            )
        if time.monotonic() > deadline:
            raise EngineMissing(f"the Docker engine did not answer within {START_TIMEOUT_S:.0f} s; {where}")
        time.sleep(POLL_S)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=START_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"`{' '.join(command)}` failed: {error}") from error
    if done.returncode != 0:
        raise EngineError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
