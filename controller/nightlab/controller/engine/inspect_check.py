"""Compares a created container with what was asked, before anything in it runs.

Engines ignore or weaken settings in silence: an AppArmor profile on a kernel without it, a swap limit, a VOLUME that
becomes a writable directory on the host. So nothing is believed that was not read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.policy import CAPABILITIES
from nightlab.controller.errors import PostureError

MASKED: Final = frozenset({"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"})
READ_ONLY: Final = frozenset({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})
PODMAN_DEFAULT: Final = frozenset(
    {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID"}
    | {"SYS_CHROOT"}
)
ASKED_BY_IMAGES: Final = "nightlab.plugin."
"""What a plugin's image asks for; read from the image alone and granted by the user, so a container may carry it."""
UNSET: Final[tuple[object, ...]] = (None, "", 0, False, [], {})


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not as asked.

    Attributes:
        field: Where `docker inspect` shows it, "HostConfig.PidsLimit".
        asked: What the policy asked for.
        found: What the engine made of it.
        is_limit: Whether it is a resource limit, which `allow_degraded` may do without; isolation never is.
    """

    field: str
    asked: object
    found: object
    is_limit: bool = False


def check_container(
    asked: Mapping[str, Any], found: Mapping[str, Any], facts: EngineFacts, *, allow_degraded: bool
) -> tuple[Difference, ...]:
    """Hold a created container against the policy.

    Args:
        asked: What `policy.create_arguments` made.
        found: The engine's inspection of the container.
        facts: Of the engine.
        allow_degraded: Whether limits that were dropped may be missing.

    Returns:
        Limits that are missing by the user's leave; empty: all is as asked.

    Raises:
        PostureError: Something else differs.
    """
    differences = tuple(find_differences(asked, found, facts))
    fatal = [d for d in differences if not (d.is_limit and allow_degraded)]
    if not fatal:
        return differences
    listed = "; ".join(f"{d.field}: asked {d.asked!r:.200}, found {d.found!r:.200}" for d in fatal[:5])
    remedy = "" if not all(d.is_limit for d in fatal) else "; security.allow_degraded = true runs without these limits"
    raise PostureError(
        f"container {asked['name']} is not what was asked ({len(fatal)} differences; {listed}); it was removed "
        f"unstarted: use an engine that honours the policy{remedy}"
    )


def find_differences(asked: Mapping[str, Any], found: Mapping[str, Any], facts: EngineFacts) -> Iterable[Difference]:
    """List every setting that is not as asked, isolation first."""
    host, config = found.get("HostConfig") or {}, found.get("Config") or {}
    yield from _identity(asked, found, config)
    yield from _isolation(asked, host, facts)
    yield from _capabilities(asked, host, facts)
    yield from _nothing_else(host, facts)
    yield from _mounts(asked, found, config)
    yield from _environment(asked, config)
    yield from _labels(asked, config)
    yield from _limits(asked, host)
    if facts.name == "docker":
        yield from _drivers(asked["mounts"], host.get("Mounts") or ())
        yield from _logs(asked["log_config"], host.get("LogConfig") or {})


def _compare(pairs: Iterable[tuple[str, object, object]], *, is_limit: bool = False) -> Iterable[Difference]:
    return (Difference(field, asked, found, is_limit) for field, asked, found in pairs if asked != found)


def _identity(asked: Mapping[str, Any], found: Mapping[str, Any], config: Mapping[str, Any]) -> Iterable[Difference]:
    health = config.get("Healthcheck") or config.get("HealthCheck") or {}
    return _compare(
        (
            ("Name", asked["name"], str(found.get("Name", "")).removeprefix("/")),
            ("Image", asked["image"].removeprefix("sha256:"), str(found.get("Image", "")).removeprefix("sha256:")),
            ("State.Running", False, bool((found.get("State") or {}).get("Running"))),
            ("Config.Entrypoint", asked["entrypoint"], _words(config.get("Entrypoint"))),
            ("Config.Cmd", [], _words(config.get("Cmd"))),
            ("Config.User", asked["user"], config.get("User")),
            ("Config.WorkingDir", asked["working_dir"], config.get("WorkingDir")),
            ("Config.Tty", False, bool(config.get("Tty"))),
            ("Config.OpenStdin", False, bool(config.get("OpenStdin"))),
            ("Config.StopSignal", asked["stop_signal"], _signal(config.get("StopSignal"))),
            ("Config.Healthcheck", asked["healthcheck"]["test"], _words(health.get("Test"))),
        )
    )


def _isolation(asked: Mapping[str, Any], host: Mapping[str, Any], facts: EngineFacts) -> Iterable[Difference]:
    yield from _compare(
        (
            ("HostConfig.Privileged", False, bool(host.get("Privileged"))),
            ("HostConfig.ReadonlyRootfs", True, bool(host.get("ReadonlyRootfs"))),
            ("HostConfig.NetworkMode", asked["network_mode"], host.get("NetworkMode")),
            ("HostConfig.IpcMode", asked["ipc_mode"], host.get("IpcMode")),
            ("HostConfig.PidMode", "", _private_is_default(host.get("PidMode"))),
            ("HostConfig.UTSMode", "", _private_is_default(host.get("UTSMode"))),
            ("HostConfig.UsernsMode", "", _private_is_default(host.get("UsernsMode"))),
            ("HostConfig.CgroupnsMode", asked.get("cgroupns", ""), _cgroupns(host, facts)),
            ("HostConfig.SecurityOpt", sorted(asked["security_opt"]), sorted(_security_options(host))),
            ("HostConfig.GroupAdd", asked.get("group_add", []), _words(host.get("GroupAdd"))),
            ("HostConfig.RestartPolicy", "no", (host.get("RestartPolicy") or {}).get("Name") or "no"),
            ("HostConfig.AutoRemove", False, bool(host.get("AutoRemove"))),
            ("HostConfig.OomKillDisable", False, bool(host.get("OomKillDisable"))),
        )
    )
    if facts.name == "docker":
        yield from _compare((("HostConfig.Runtime", asked["runtime"], host.get("Runtime")),))
        yield from _hidden_paths(host)


def _hidden_paths(host: Mapping[str, Any]) -> Iterable[Difference]:
    for field, least in (("MaskedPaths", MASKED), ("ReadonlyPaths", READ_ONLY)):
        if absent := least - set(host.get(field) or ()):
            yield Difference(f"HostConfig.{field}", sorted(least), f"without {sorted(absent)}")


def _capabilities(asked: Mapping[str, Any], host: Mapping[str, Any], facts: EngineFacts) -> Iterable[Difference]:
    added, dropped = (_capability_names(host.get(field)) for field in ("CapAdd", "CapDrop"))
    if facts.name == "docker":
        yield from _compare(
            (
                ("HostConfig.CapAdd", sorted(asked["cap_add"]), added),
                ("HostConfig.CapDrop", sorted(asked["cap_drop"]), dropped),
            )
        )
        return
    # Podman tells the difference to its default set instead of what was asked.
    if extra := sorted(set(added) - set(CAPABILITIES)):
        yield Difference("HostConfig.CapAdd", sorted(CAPABILITIES), extra)
    if kept := sorted(PODMAN_DEFAULT - set(CAPABILITIES) - set(dropped)):
        yield Difference("HostConfig.CapDrop", "all others", f"kept {kept}")


def _nothing_else(host: Mapping[str, Any], facts: EngineFacts) -> Iterable[Difference]:
    """Settings that no container of ours ever has."""
    fields = (
        *("Binds", "VolumesFrom", "Links", "ExtraHosts", "Devices", "DeviceCgroupRules", "PortBindings"),
        *("PublishAllPorts", "Cgroup", "Sysctls", "Init", "Dns", "DnsSearch", "DnsOptions"),
        *(("CgroupParent",) if facts.name == "docker" else ()),  # Podman always names its slice
    )
    return [Difference(f"HostConfig.{name}", None, host[name]) for name in fields if host.get(name) not in UNSET]


def _mounts(asked: Mapping[str, Any], found: Mapping[str, Any], config: Mapping[str, Any]) -> Iterable[Difference]:
    wanted = {mount["Target"]: _mount_asked(mount) for mount in asked["mounts"]}
    tmpfs = asked["tmpfs"]
    given = {str(mount.get("Destination")): mount for mount in found.get("Mounts") or ()}
    for path in sorted(wanted.keys() | given.keys() - tmpfs.keys()):
        mount = given.get(path)
        yield from _compare(
            ((f"Mounts[{path}]", wanted.get(path), mount and _mount_found(mount, wanted.get(path, {}))),)
        )
    given_tmpfs = (found.get("HostConfig") or {}).get("Tmpfs") or {}
    yield from _compare((("HostConfig.Tmpfs", _option_sets(tmpfs), _option_sets(given_tmpfs)),))
    for path in sorted((config.get("Volumes") or {}).keys()):
        if path.rstrip("/") not in wanted.keys() | tmpfs.keys():
            yield Difference("Config.Volumes", "each covered by a mount", path)


def _mount_asked(mount: Mapping[str, Any]) -> dict[str, object]:
    facts: dict[str, object] = {"type": mount["Type"], "writable": not mount["ReadOnly"]}
    if mount["Source"] is not None:
        facts["source"] = mount["Source"]
    return facts


def _mount_found(mount: Mapping[str, Any], wanted: Mapping[str, object]) -> dict[str, object]:
    facts: dict[str, object] = {"type": mount.get("Type"), "writable": bool(mount.get("RW"))}
    if "source" in wanted or not wanted:
        facts["source"] = mount.get("Source") if mount.get("Type") == "bind" else mount.get("Name")
    return facts


def _drivers(asked: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> Iterable[Difference]:
    """An unnamed volume in memory whose driver options were dropped would be a directory on the host's disk."""
    options = {mount.get("Target"): _driver_options(mount) for mount in found}
    for mount in asked:
        path = mount["Target"]
        yield from _compare(((f"HostConfig.Mounts[{path}].DriverConfig", _driver_options(mount), options.get(path)),))


def _driver_options(mount: Mapping[str, Any]) -> object:
    driver = (mount.get("VolumeOptions") or {}).get("DriverConfig") or {}
    return driver.get("Options") or {}


def _environment(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Iterable[Difference]:
    wanted = {name: value for name, value in asked["environment"].items() if value is not None}
    entries = [str(entry) for entry in config.get("Env") or () if "=" in str(entry)]
    given = dict(entry.partition("=")[::2] for entry in entries)
    for harmless in ("container", "TERM", "HOSTNAME"):  # Podman's own
        if harmless not in wanted:
            given.pop(harmless, None)
    for name in sorted(wanted.keys() | given.keys()):
        yield from _compare(((f"Config.Env[{name}]", wanted.get(name), given.get(name)),))


def _labels(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Iterable[Difference]:
    ours = {name: value for name, value in (config.get("Labels") or {}).items() if name.startswith("nightlab.")}
    given = {name: value for name, value in ours.items() if not name.startswith(ASKED_BY_IMAGES)}
    for name in sorted(given.keys() - asked["labels"].keys()):
        yield Difference(f"Config.Labels[{name}] (remove the image's LABEL {name})", None, given.pop(name))
    yield from _compare((("Config.Labels", asked["labels"], given),))


def _limits(asked: Mapping[str, Any], host: Mapping[str, Any]) -> Iterable[Difference]:
    fields = {
        "mem_limit": "Memory",
        "memswap_limit": "MemorySwap",
        "mem_swappiness": "MemorySwappiness",
        "nano_cpus": "NanoCpus",
        "cpuset_cpus": "CpusetCpus",
        "cpu_shares": "CpuShares",
        "pids_limit": "PidsLimit",
        "oom_score_adj": "OomScoreAdj",
    }
    pairs = [(f"HostConfig.{field}", asked[name], host.get(field)) for name, field in fields.items() if name in asked]
    pairs.append(("HostConfig.Ulimits", _ulimits(asked["ulimits"]), _ulimits(host.get("Ulimits") or ())))
    yield from _compare(pairs, is_limit=True)
    requests = [_request(request) for request in asked.get("device_requests", ())]
    yield from _compare(
        (("HostConfig.DeviceRequests", requests, [_request(r) for r in host.get("DeviceRequests") or ()]),)
    )


def _logs(asked: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    """Uncapped logs filled 271 MB of the host's disk where these held 2."""
    return _compare(
        (
            ("HostConfig.LogConfig.Type", asked["Type"], found.get("Type")),
            ("HostConfig.LogConfig.Config", dict(asked["Config"]), dict(found.get("Config") or {})),
        ),
        is_limit=True,
    )


def _ulimits(ulimits: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    names = {str(u["Name"]).lower().removeprefix("rlimit_"): (int(u["Soft"]), int(u["Hard"])) for u in ulimits}
    return {name: values for name, values in names.items() if name != "nproc"}  # Podman adds its own


def _request(request: Mapping[str, Any]) -> tuple[object, ...]:
    capabilities = tuple(tuple(group) for group in request.get("Capabilities") or ())
    return request.get("Count") or 0, tuple(request.get("DeviceIDs") or ()), capabilities


def _words(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(word) for word in value or ()]  # type: ignore[attr-defined]


def _signal(value: object) -> object:
    return "SIGTERM" if value in (15, "15", "SIGTERM") else value


def _private_is_default(value: object) -> object:
    return "" if value in (None, "", "private") else value


def _cgroupns(host: Mapping[str, Any], facts: EngineFacts) -> object:
    if not facts.has_private_cgroupns:
        return ""
    default = "private" if facts.name == "podman" else ""  # its answer in Docker's words leaves it out
    return host.get("CgroupnsMode") or default


def _security_options(host: Mapping[str, Any]) -> list[str]:
    """As strings; "no-new-privileges:true" is what some clients and engines write for "no-new-privileges"."""
    options = _words(host.get("SecurityOpt"))
    return ["no-new-privileges" if option == "no-new-privileges:true" else option for option in options]


def _capability_names(names: object) -> list[str]:
    return sorted(name.upper().removeprefix("CAP_") for name in _words(names))


def _option_sets(tmpfs: Mapping[str, str]) -> dict[str, frozenset[str]]:
    added = {"rprivate", "tmpcopyup", "rw"}  # Podman's own words for what is so anyway
    return {path: frozenset(options.split(",")) - added for path, options in tmpfs.items()}
