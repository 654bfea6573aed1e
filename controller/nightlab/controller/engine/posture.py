"""Names the isolation that a container really has, for the record of every score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nightlab.controller.engine.facts import EngineFacts
from nightlab.controller.engine.inspect_check import Difference
from nightlab.controller.engine.policy import missing_protections

OWN_KERNEL: Final = ("runsc", "kata", "io.containerd.runsc", "io.containerd.kata")
"""How the names of runtimes begin that put a kernel of their own below a container."""


def posture(
    found: Mapping[str, Any],
    facts: EngineFacts,
    *,
    accepted: Sequence[Difference] = (),
) -> dict[str, str]:
    """Describe a container that passed `check_container`.

    Args:
        found: The engine's inspection of it.
        facts: Of the engine.
        accepted: Limits that are missing by the user's leave.

    Returns:
        Short words by name. "level" is "strict" (a user namespace or a kernel of its own, and a security module),
        "standard" (the whole policy on the shared kernel) or "degraded" (a part is missing, by the user's leave).
    """
    host = found.get("HostConfig") or {}
    missing = [*missing_protections(facts), *(difference.field for difference in accepted)]
    module = _security_module(found)
    named = str(host.get("Runtime") or "")
    runtime = named if named not in ("", "oci") else facts.default_runtime  # Podman calls every runtime "oci"
    labels = (found.get("Config") or {}).get("Labels") or {}
    words = {
        "level": _level(missing, runtime, module, facts),
        "engine": f"{facts.name} {facts.version}",
        "runtime": runtime,
        "kernel": facts.kernel,
        "seccomp": "nightlab" if facts.seccomp else "none",
        "security_module": module or "none",
        "userns": "rootless" if facts.rootless else "remapped" if facts.userns else "host",
        "cgroup": f"v{facts.cgroup_version}",
        "cgroupns": str(host.get("CgroupnsMode") or host.get("CgroupMode") or "host"),
        "network": str(host.get("NetworkMode")),
        "workspace": str(labels.get("nightlab.workspace", "none")),
    }
    if missing:
        words["missing"] = ", ".join(missing)
    if not module:
        words["note"] = "this kernel or engine has neither AppArmor nor SELinux"
    return words


def _security_module(found: Mapping[str, Any]) -> str:
    options = (found.get("HostConfig") or {}).get("SecurityOpt") or ()
    asked = [option.removeprefix("apparmor=") for option in options if option.startswith("apparmor=")]
    profile = str(found.get("AppArmorProfile") or "".join(asked[:1]))
    if profile and profile != "unconfined":
        return f"apparmor {profile}"
    return "selinux" if found.get("ProcessLabel") else ""


def _level(missing: Sequence[str], runtime: str, module: str, facts: EngineFacts) -> str:
    if missing:
        return "degraded"
    has_own_kernel = runtime.startswith(OWN_KERNEL)
    return "strict" if has_own_kernel or (facts.userns and module) else "standard"
