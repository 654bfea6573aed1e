"""What an engine says of itself, as frozen values. Asking it belongs to `connect`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """One local engine.

    Attributes:
        name: "docker" or "podman".
        version: The server's, such as "20.10.24+dfsg1".
        api_version: Of the Docker API that was agreed on, such as (1, 41).
        socket: Path of the Unix socket it was reached at.
        rootless: Whether the engine runs as an ordinary user.
        userns: Whether containers get their own user namespace (rootless or userns-remap).
        cgroup_version: 1 or 2.
        cgroup_driver: "cgroupfs", "systemd" or "none" (limits cannot be set).
        runtimes: Names of the OCI runtimes it knows.
        default_runtime: What it takes when none is asked for.
        apparmor: Whether it confines containers with AppArmor.
        selinux: Whether it labels containers for SELinux.
        seccomp: Whether it can filter system calls.
        limits: Which limits the kernel lets it set: "memory", "swap", "pids", "cpu", "cpuset", "shares".
        cpus: Cores of the machine.
        memory_bytes: Memory of the machine.
        kernel: Its kernel's release; another one than ours means a virtual machine.
        operating_system: In words.
        architecture: As `uname -m` has it.
        data_root: Where it keeps images and volumes.
    """

    name: str
    version: str
    api_version: tuple[int, int]
    socket: str
    rootless: bool
    userns: bool
    cgroup_version: int
    cgroup_driver: str
    runtimes: frozenset[str]
    default_runtime: str
    apparmor: bool
    selinux: bool
    seccomp: bool
    limits: frozenset[str]
    cpus: int
    memory_bytes: int
    kernel: str
    operating_system: str
    architecture: str
    data_root: str

    @property
    def has_private_cgroupns(self) -> bool:
        """Whether a private cgroup namespace can be asked for: API 1.41 brought the setting."""
        return self.api_version >= (1, 41)


def read_facts(socket: str, version: Mapping[str, Any], system: Mapping[str, Any]) -> EngineFacts:
    """Read the answers of `/version` and `/info`.

    Args:
        socket: Path of the engine's Unix socket.
        version: The answer of `/version`.
        system: The answer of `/info`.
    """
    options = _security_options(system)
    rootless = "rootless" in options or bool(system.get("Rootless"))
    return EngineFacts(
        name=_engine_name(version),
        version=str(version.get("Version", "")),
        api_version=_numbers(str(version.get("ApiVersion", "1.24"))),
        socket=socket,
        rootless=rootless,
        userns=rootless or "userns" in options,
        cgroup_version=int(system.get("CgroupVersion") or 1),
        cgroup_driver=str(system.get("CgroupDriver") or "none"),
        runtimes=frozenset(system.get("Runtimes") or ()),
        default_runtime=str(system.get("DefaultRuntime") or ""),
        apparmor="apparmor" in options,
        selinux="selinux" in options,
        seccomp="seccomp" in options,
        limits=_limits(system),
        cpus=int(system.get("NCPU") or 1),
        memory_bytes=int(system.get("MemTotal") or 0),
        kernel=str(system.get("KernelVersion", "")),
        operating_system=str(system.get("OperatingSystem", "")),
        architecture=str(system.get("Architecture", "")),
        data_root=str(system.get("DockerRootDir", "")),
    )


def _engine_name(version: Mapping[str, Any]) -> str:
    components = [str(part.get("Name", "")) for part in version.get("Components") or ()]
    return "podman" if any("podman" in name.lower() for name in components) else "docker"


def _security_options(system: Mapping[str, Any]) -> frozenset[str]:
    """Names out of "name=seccomp,profile=default" (Docker) and "seccomp" (old engines)."""
    names = set()
    for option in system.get("SecurityOptions") or ():
        fields = dict(part.partition("=")[::2] for part in str(option).split(","))
        names.add(fields.get("name") or next(iter(fields)))
    return frozenset(names)


def _limits(system: Mapping[str, Any]) -> frozenset[str]:
    keys = {
        "memory": "MemoryLimit",
        "swap": "SwapLimit",
        "pids": "PidsLimit",
        "cpu": "CpuCfsQuota",
        "cpuset": "CPUSet",
        "shares": "CPUShares",
    }
    return frozenset(limit for limit, key in keys.items() if system.get(key))


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)
