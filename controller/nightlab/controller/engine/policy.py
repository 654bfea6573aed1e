"""The hardening policy: from a ContainerSpec to what the engine is asked for.

It is the same for every container, from the first day. What came of it is checked by `inspect_check`; what it defends
against is in SECURITY.md.
"""

from __future__ import annotations

import math
from typing import Any, Final

from docker.types import DeviceRequest, DriverConfig, LogConfig, Mount, Ulimit

from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.engine.seccomp import profile_path, profile_text
from nightlab.controller.engine.spec import LINK_PATH, ContainerSpec, Scratch, VolumeMount, target_problem
from nightlab.controller.errors import ConfigError, ImageError, PostureError

CAPABILITIES: Final = ("KILL", "SETGID", "SETUID")
"""What a supervisor needs to run its workload as another uid and to end it. The workload has none."""

SUPERVISOR_ENV: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",  # noqa: S108  the container's own
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
BLANKED: Final = (
    *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
)
"""Never passed on: some engines add proxies of the host by themselves."""

APPARMOR_PROFILE: Final = "docker-default"
"""Docker's own, by name: a container's inspection shows a profile that was not asked for only after its start."""

LEAST_CPU_SHARES: Final = 2
"""The kernel's smallest weight (1024 is every other container's); with cgroup v2 runtimes make cpu.weight = 1 of it."""

LOG_CAP: Final = {"max-size": "5m", "max-file": "2"}
INODE_BYTES: Final = 16384
FEWEST_INODES: Final = 16384


def create_arguments(spec: ContainerSpec, facts: EngineFacts, image: ImageFacts) -> dict[str, Any]:
    """Make the arguments of `DockerClient.containers.create`.

    Raises:
        ConfigError: The engine does not know the runtime.
        ImageError: The image declares a volume where nothing may be mounted.
    """
    if spec.runtime not in facts.runtimes:
        known = ", ".join(sorted(facts.runtimes)) or "none"
        raise ConfigError(
            f"security.runtime {spec.runtime!r} is not one of the engine's ({known}); install or choose one"
        )
    return {
        "image": spec.image_id,
        "name": spec.name,
        "entrypoint": list(spec.entrypoint),
        "command": None,
        "user": "0:0",
        "working_dir": "/",
        "hostname": "nightlab",
        "environment": _environment(spec, facts, image),
        "labels": _labels(spec),
        "healthcheck": {"test": ["NONE"]},
        "stop_signal": "SIGTERM",
        "runtime": spec.runtime,
        "use_config_proxy": False,
        "mounts": _mounts(spec, facts, image),
        "tmpfs": _tmpfs(spec, facts, image),
        **_isolation(spec, facts),
        **_limits(spec, facts),
        **_gpus(spec),
    }


def missing_protections(facts: EngineFacts) -> tuple[str, ...]:
    """Name what the policy asks for and the engine cannot give.

    AppArmor and SELinux are not among them: a kernel has one, the other or neither, and nothing here rests on them.
    """
    missing = [f"{limit} limit" for limit in ("memory", "pids", "cpu") if limit not in facts.limits]
    if "swap" not in facts.limits and facts.cgroup_version == 1:
        missing.append("swap limit")
    if facts.cgroup_driver == "none":
        missing.append("cgroups")
    if not facts.seccomp:
        missing.append("seccomp")
    return tuple(missing)


def require_protections(facts: EngineFacts, *, allow_degraded: bool) -> None:
    """Refuse an engine that lacks a protection, unless the user's word allows it.

    Raises:
        PostureError: It lacks one.
    """
    missing = missing_protections(facts)
    if missing and not allow_degraded:
        raise PostureError(
            f"the engine at {facts.socket} cannot give: {', '.join(missing)}; use another engine, or accept the weaker "
            "posture with security.allow_degraded = true (it is recorded with every score)"
        )


def all_scratch(spec: ContainerSpec, image: ImageFacts) -> tuple[Scratch, ...]:
    """List the directories in memory: /tmp, those asked for, and a cover for each VOLUME that no mount covers.

    A VOLUME that is left alone becomes a writable directory on the host's disk without any limit.

    Raises:
        ImageError: A VOLUME lies where nothing may be mounted.
    """
    asked = [*spec.scratch]
    if "/tmp" not in {scratch.path for scratch in asked}:  # noqa: S108  the container's own
        asked.append(Scratch("/tmp", spec.limits.tmp_bytes))  # noqa: S108
    covered = {scratch.path for scratch in asked} | {mount.path for mount in spec.volumes} | {"/dev/shm", LINK_PATH}  # noqa: S108
    for path in image.volumes:
        if path in covered:
            continue
        if problem := target_problem(path):
            raise ImageError(f"image {image.image_id}: VOLUME {path} {problem}; remove it from the Dockerfile")
        asked.append(Scratch(path, spec.limits.image_volume_bytes))
    return tuple(asked)


def tmpfs_options(size_bytes: int) -> str:
    """Write mount options of a directory in memory. Programs may run there: `python FILE` would run in any case."""
    inodes = max(FEWEST_INODES, size_bytes // INODE_BYTES)
    return f"size={size_bytes},nr_inodes={inodes},mode=1777,nosuid,nodev"


def _environment(spec: ContainerSpec, facts: EngineFacts, image: ImageFacts) -> dict[str, str | None]:
    """None removes what the image sets; Podman has no such thing, so there it is set to nothing."""
    blank = None if facts.name == "docker" else ""
    gpus = {"NVIDIA_VISIBLE_DEVICES": ",".join(spec.gpu_uuids) or "void"}
    if spec.gpu_uuids:
        gpus["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility"
    blanked = dict.fromkeys((*BLANKED, *image.env), blank)
    return {**blanked, **SUPERVISOR_ENV, **gpus, **spec.env}


def _labels(spec: ContainerSpec) -> dict[str, str]:
    more = {"gpus": ",".join(spec.gpu_uuids), "workspace": spec.workspace_kind, "spec_sha256": spec.sha256}
    return {**spec.labels.as_dict(), **{f"nightlab.{name}": value for name, value in more.items()}}


def _isolation(spec: ContainerSpec, facts: EngineFacts) -> dict[str, Any]:
    security = ["no-new-privileges"]
    if facts.seccomp:
        # Podman reads the profile from a file, Docker takes its text.
        is_docker = facts.name == "docker"
        profile = profile_text(facts.architecture) if is_docker else str(profile_path(facts.architecture))
        security.append(f"seccomp={profile}")
    if facts.apparmor and facts.name == "docker":
        security.append(f"apparmor={APPARMOR_PROFILE}")
    isolation: dict[str, Any] = {
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": security,
        "privileged": False,
        "read_only": True,
        "init": False,
        "network_mode": spec.network,
        "ipc_mode": "private",
        "restart_policy": {"Name": "no"},
        "auto_remove": False,  # it would lose the exit code
        "log_config": _log_config(facts),
    }
    if facts.has_private_cgroupns:
        isolation["cgroupns"] = "private"
    if spec.group is not None:
        isolation["group_add"] = [str(spec.group)]
    return isolation


def _log_config(facts: EngineFacts) -> LogConfig:
    if facts.name == "podman":
        return LogConfig(type="k8s-file", config={"max-size": LOG_CAP["max-size"]})
    return LogConfig(type="local", config=LOG_CAP)


def _limits(spec: ContainerSpec, facts: EngineFacts) -> dict[str, Any]:
    limits = spec.limits
    asked: dict[str, Any] = {
        "oom_score_adj": 500,
        "ulimits": [
            Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=limits.file_bytes, hard=limits.file_bytes),
        ],
    }
    if "pids" in facts.limits:
        asked["pids_limit"] = limits.pids
    if "cpu" in facts.limits:
        asked["nano_cpus"] = math.ceil(limits.cpus * 1e9)
    if limits.spare_cpu_only and "shares" in facts.limits:
        asked["cpu_shares"] = LEAST_CPU_SHARES
    if "cpuset" in facts.limits and limits.cpuset:
        asked["cpuset_cpus"] = limits.cpuset
    if "memory" in facts.limits:
        asked["mem_limit"] = limits.memory_bytes
        asked["memswap_limit"] = limits.memory_bytes
        if facts.cgroup_version == 1:
            asked["mem_swappiness"] = 0
    return asked


def _gpus(spec: ContainerSpec) -> dict[str, Any]:
    if not spec.gpu_uuids:
        return {}
    request = DeviceRequest(device_ids=list(spec.gpu_uuids), capabilities=[["gpu", "compute", "utility"]])
    return {"device_requests": [request]}


def _tmpfs(spec: ContainerSpec, facts: EngineFacts, image: ImageFacts) -> dict[str, str]:
    """Podman gives a tmpfs the mode that it is asked for, and does not say what became of a volume's options."""
    tmpfs = {"/dev/shm": f"{tmpfs_options(spec.limits.shm_bytes)},noexec,rw"}  # noqa: S108
    if facts.name == "podman":
        tmpfs |= {scratch.path: f"{tmpfs_options(scratch.size_bytes)},rw" for scratch in all_scratch(spec, image)}
    return tmpfs


def _mounts(spec: ContainerSpec, facts: EngineFacts, image: ImageFacts) -> list[Mount]:
    mounts = [_volume(mount) for mount in spec.volumes]
    if facts.name == "docker":
        mounts += [_scratch(spec, scratch) for scratch in all_scratch(spec, image)]
    if spec.link_dir:
        mounts.append(Mount(LINK_PATH, spec.link_dir, type="bind", read_only=True, propagation="rprivate"))
    return mounts


def _volume(mount: VolumeMount) -> Mount:
    return Mount(mount.path, mount.volume, type="volume", read_only=mount.read_only, no_copy=not mount.copy_up)


def _scratch(spec: ContainerSpec, scratch: Scratch) -> Mount:
    """An unnamed volume in memory: an engine's own tmpfs keeps the mode of the image's directory, this has ours."""
    options = {"type": "tmpfs", "device": "tmpfs", "o": tmpfs_options(scratch.size_bytes)}
    return Mount(
        scratch.path,
        None,
        type="volume",
        no_copy=True,
        labels=spec.labels.as_dict(),
        driver_config=DriverConfig("local", options),
    )
