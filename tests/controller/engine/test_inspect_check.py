"""A created container that is not what was asked is never started: each field, one by one, on three engines."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nightlab.controller.engine import ContainerSpec, EngineFacts, ImageFacts, Labels, Limits, Scratch, VolumeMount
from nightlab.controller.engine.inspect_check import check_container, find_differences
from nightlab.controller.engine.policy import create_arguments
from nightlab.controller.engine.posture import posture
from nightlab.controller.engine.seccomp import profile_path, profile_text
from nightlab.controller.errors import PostureError

FIXTURES = Path(__file__).parents[2] / "data" / "inspect"
IMAGE_ID = "sha256:" + "a" * 64
IMAGE = ImageFacts(IMAGE_ID, {}, (), (), "", "/", (), (), "amd64")
SPEC = ContainerSpec(
    name="nightlab-golden-t7-a1",
    image_id=IMAGE_ID,
    entrypoint=("/nightlab/toolbox/bin/python3.11", "-m", "nightlab.sandbox"),
    labels=Labels("golden", "/state", "7", "1"),
    limits=Limits(2**30, cpus=1.5, cpuset="0-1", pids=128, shm_bytes=2**26, tmp_bytes=2**26),
    volumes=(
        VolumeMount("nightlab-golden-toolbox", "/nightlab/toolbox"),
        VolumeMount("nightlab-golden-ws", "/app", read_only=False),
    ),
    link_dir="/state/links/nightlab-golden-t7-a1",
    scratch=(Scratch("/root", 2**26),),
    workspace_kind="loop",
)
V1 = EngineFacts(
    name="docker", version="20.10.24", api_version=(1, 41), socket="/var/run/docker.sock", rootless=False, userns=False,
    cgroup_version=1, cgroup_driver="cgroupfs", runtimes=frozenset({"runc"}), default_runtime="runc", apparmor=False,
    selinux=False, seccomp=True, limits=frozenset({"memory", "swap", "pids", "cpu", "cpuset", "shares"}), cpus=2,
    memory_bytes=2**34, kernel="6.1.0", operating_system="Debian", architecture="x86_64", data_root="/var/lib/docker",
)  # fmt: skip
V2 = replace(V1, version="28.5.1", api_version=(1, 51), cgroup_version=2, cgroup_driver="systemd", apparmor=True)
PODMAN = replace(V2, name="podman", version="5.4.2", default_runtime="crun", apparmor=True)
ENGINES = {"docker_cgroup_v1": V1, "docker_cgroup_v2": V2, "podman": PODMAN}

# What a real engine might have made of it, as a change to the inspection. Each must be caught.
WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "image": lambda c: c.update(Image="sha256:" + "b" * 64),
    "name": lambda c: c.update(Name="/other"),
    "running": lambda c: c["State"].update(Running=True),
    "entrypoint": lambda c: c["Config"].update(Entrypoint=["/bin/sh"]),
    "command": lambda c: c["Config"].update(Cmd=["--evil"]),
    "user": lambda c: c["Config"].update(User=""),
    "workdir": lambda c: c["Config"].update(WorkingDir="/srv"),
    "tty": lambda c: c["Config"].update(Tty=True),
    "stdin": lambda c: c["Config"].update(OpenStdin=True),
    "stop signal": lambda c: c["Config"].update(StopSignal="SIGCONT"),
    "healthcheck": lambda c: c["Config"].update(Healthcheck={"Test": ["CMD", "evil"]}),
    "environment added": lambda c: c["Config"]["Env"].append("LD_PRELOAD=/evil.so"),
    "environment changed": lambda c: c["Config"]["Env"].append("NVIDIA_VISIBLE_DEVICES=all"),
    "label": lambda c: c["Config"]["Labels"].update({"nightlab.study": "stolen"}),
    "volume left open": lambda c: c["Config"].update(Volumes={"/data": {}}),
    "mount added": lambda c: c["Mounts"].append({"Type": "bind", "Source": "/", "Destination": "/host", "RW": True}),
    "volume added": lambda c: c["Mounts"].append({"Type": "volume", "Name": "f" * 64, "Destination": "/v", "RW": True}),
    "mount missing": lambda c: c["Mounts"].pop(),
    "mount writable": lambda c: next(m for m in c["Mounts"] if not m["RW"]).update(RW=True),
    "mount elsewhere": lambda c: next(m for m in c["Mounts"] if m["Type"] == "bind").update(Source="/var/run"),
    "tmpfs lost": lambda c: c["HostConfig"].update(Tmpfs=None),
    "tmpfs unlimited": lambda c: c["HostConfig"]["Tmpfs"].update({"/dev/shm": "rw,nosuid,nodev,noexec"}),
    "privileged": lambda c: c["HostConfig"].update(Privileged=True),
    "writable root": lambda c: c["HostConfig"].update(ReadonlyRootfs=False),
    "network": lambda c: c["HostConfig"].update(NetworkMode="bridge"),
    "pid namespace": lambda c: c["HostConfig"].update(PidMode="host"),
    "ipc namespace": lambda c: c["HostConfig"].update(IpcMode="host"),
    "uts namespace": lambda c: c["HostConfig"].update(UTSMode="host"),
    "user namespace": lambda c: c["HostConfig"].update(UsernsMode="host"),
    "cgroup namespace": lambda c: c["HostConfig"].update(CgroupnsMode="host"),
    "capability": lambda c: c["HostConfig"].update(CapAdd=["KILL", "SETGID", "SETUID", "SYS_ADMIN"]),
    "capabilities kept": lambda c: c["HostConfig"].update(CapDrop=[]),
    "no security options": lambda c: c["HostConfig"].update(SecurityOpt=None),
    "new privileges": lambda c: c["HostConfig"]["SecurityOpt"].remove("no-new-privileges"),
    "unconfined": lambda c: c["HostConfig"].update(SecurityOpt=["no-new-privileges", "seccomp=unconfined"]),
    "device": lambda c: c["HostConfig"].update(Devices=[{"PathOnHost": "/dev/sda"}]),
    "device rule": lambda c: c["HostConfig"].update(DeviceCgroupRules=["a *:* rwm"]),
    "gpu": lambda c: c["HostConfig"].update(DeviceRequests=[{"Count": -1, "Capabilities": [["gpu"]]}]),
    "binds": lambda c: c["HostConfig"].update(Binds=["/:/host"]),
    "volumes from": lambda c: c["HostConfig"].update(VolumesFrom=["other"]),
    "port": lambda c: c["HostConfig"].update(PortBindings={"22/tcp": [{"HostPort": "22"}]}),
    "all ports": lambda c: c["HostConfig"].update(PublishAllPorts=True),
    "extra host": lambda c: c["HostConfig"].update(ExtraHosts=["x:192.0.2.1"]),
    "sysctl": lambda c: c["HostConfig"].update(Sysctls={"net.ipv4.ip_forward": "1"}),
    "group": lambda c: c["HostConfig"].update(GroupAdd=["0"]),
    "restart": lambda c: c["HostConfig"].update(RestartPolicy={"Name": "always"}),
    "auto remove": lambda c: c["HostConfig"].update(AutoRemove=True),
    "oom killer off": lambda c: c["HostConfig"].update(OomKillDisable=True),
}
LIMITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "memory": lambda c: c["HostConfig"].update(Memory=0),
    "swap doubled": lambda c: c["HostConfig"].update(MemorySwap=2**31),
    "pids": lambda c: c["HostConfig"].update(PidsLimit=None),
    "cpus": lambda c: c["HostConfig"].update(NanoCpus=0),
    "cpuset": lambda c: c["HostConfig"].update(CpusetCpus=""),
    "oom score": lambda c: c["HostConfig"].update(OomScoreAdj=0),
    "ulimits": lambda c: c["HostConfig"]["Ulimits"].pop(0),
}
DOCKER_ONLY: dict[str, Callable[[dict[str, Any]], object]] = {
    "runtime": lambda c: c["HostConfig"].update(Runtime="other"),
    "masked paths": lambda c: c["HostConfig"].update(MaskedPaths=[]),
    "read-only paths": lambda c: c["HostConfig"].update(ReadonlyPaths=None),
    "cgroup parent": lambda c: c["HostConfig"].update(CgroupParent="/"),
    "driver options": lambda c: c["HostConfig"]["Mounts"][-2]["VolumeOptions"].pop("DriverConfig"),
    "mount requests lost": lambda c: c["HostConfig"].update(Mounts=None),
}


def asked_and_found(engine):
    facts = ENGINES[engine]
    text = (FIXTURES / f"{engine}.json").read_text()
    for mark, value in {
        "@PROFILE@": profile_text("x86_64"),
        "@PROFILE_PATH@": str(profile_path("x86_64")),
        "@SPEC@": SPEC.sha256,
    }.items():
        text = text.replace(mark, json.dumps(value)[1:-1])
    return create_arguments(SPEC, facts, IMAGE), json.loads(text), facts


@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_engine_answers_to_the_policy_passes(engine):
    asked, found, facts = asked_and_found(engine)
    assert check_container(asked, found, facts, allow_degraded=False) == ()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("change", WRONG)
def test_any_other_isolation_is_refused_whatever_the_user_allows(engine, change):
    asked, found, facts = asked_and_found(engine)
    before = copy.deepcopy(found)
    WRONG[change](found)
    assert found != before
    with pytest.raises(PostureError, match=SPEC.name) as caught:
        check_container(asked, found, facts, allow_degraded=True)
    assert "asked" in str(caught.value)
    assert "found" in str(caught.value)


@pytest.mark.parametrize("change", DOCKER_ONLY)
@pytest.mark.parametrize("engine", ["docker_cgroup_v1", "docker_cgroup_v2"])
def test_what_docker_tells_is_held_too(engine, change):
    asked, found, facts = asked_and_found(engine)
    DOCKER_ONLY[change](found)
    with pytest.raises(PostureError):
        check_container(asked, found, facts, allow_degraded=True)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("change", LIMITS)
def test_a_dropped_limit_needs_the_users_word_and_is_recorded(engine, change):
    asked, found, facts = asked_and_found(engine)
    LIMITS[change](found)
    with pytest.raises(PostureError, match="allow_degraded"):
        check_container(asked, found, facts, allow_degraded=False)
    accepted = check_container(asked, found, facts, allow_degraded=True)
    assert len(accepted) == 1
    words = posture(found, facts, accepted=accepted)
    assert words["level"] == "degraded"
    assert words["missing"] == accepted[0].field


def test_posture_levels():
    _, found, _ = asked_and_found("docker_cgroup_v1")
    plain = posture(found, V1)
    assert (plain["level"], plain["workspace"], plain["security_module"]) == ("standard", "loop", "none")
    assert "AppArmor" in plain["note"]
    _, confined, _ = asked_and_found("docker_cgroup_v2")
    assert posture(confined, V2)["security_module"] == "apparmor docker-default"
    assert posture(confined, V2)["level"] == "standard"
    assert posture(confined, replace(V2, userns=True))["level"] == "strict"
    found["HostConfig"]["Runtime"] = "runsc"
    assert posture(found, V1)["level"] == "strict"
    found["HostConfig"]["Runtime"] = "unheard-of"
    assert posture(found, V1)["level"] == "standard"


def test_a_weight_that_the_engine_dropped_is_seen():
    found = json.loads((FIXTURES / "docker_cgroup_v1.json").read_text())
    limits = replace(SPEC.limits, spare_cpu_only=True)
    differences = find_differences(create_arguments(replace(SPEC, limits=limits), V1, IMAGE), found, V1)
    assert [(d.asked, d.found) for d in differences if d.field == "HostConfig.CpuShares"] == [(2, 0)]
