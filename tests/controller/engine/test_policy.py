"""What the engine is asked for: the whole policy against a golden file, and what can never be asked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nightlab.controller.engine import ContainerSpec, EngineFacts, ImageFacts, Labels, Limits, Scratch, VolumeMount
from nightlab.controller.engine.policy import create_arguments, missing_protections, require_protections
from nightlab.controller.engine.seccomp import profile_path, profile_text
from nightlab.controller.engine.spec import target_problem
from nightlab.controller.errors import ConfigError, EngineRefused, ImageError, PostureError

GOLDEN = Path(__file__).parents[2] / "data" / "create_arguments.json"
IMAGE_ID = "sha256:" + "a" * 64

FACTS = EngineFacts(
    name="docker", version="20.10.24", api_version=(1, 41), socket="/var/run/docker.sock", rootless=False, userns=False,
    cgroup_version=1, cgroup_driver="cgroupfs", runtimes=frozenset({"runc"}), default_runtime="runc", apparmor=False,
    selinux=False, seccomp=True, limits=frozenset({"memory", "swap", "pids", "cpu", "cpuset", "shares"}), cpus=2,
    memory_bytes=2**34, kernel="6.1.0", operating_system="Debian", architecture="x86_64", data_root="/var/lib/docker",
)  # fmt: skip
IMAGE = ImageFacts(IMAGE_ID, {"PYTHONPATH": "/evil", "GREETING": "hello"}, (), (), "", "/", ("/data",), (), "amd64")
SPEC = ContainerSpec(
    name="nightlab-s-t1-a1",
    image_id=IMAGE_ID,
    entrypoint=("/nightlab/toolbox/bin/python3.11", "-m", "nightlab.sandbox"),
    labels=Labels("s", "/state", "1", "1"),
    limits=Limits(2**30, cpus=1.5, cpuset="0-1", pids=128, shm_bytes=2**26, tmp_bytes=2**26),
    volumes=(VolumeMount("toolbox", "/nightlab/toolbox"), VolumeMount("ws", "/app", read_only=False)),
    link_dir="/state/links/nightlab-s-t1-a1",
    scratch=(Scratch("/root"),),
    gpu_uuids=("GPU-1", "GPU-2"),
)


def test_the_policy_is_the_golden_file():
    asked = create_arguments(SPEC, FACTS, IMAGE)
    text = json.dumps(asked, indent=1, sort_keys=True).replace(json.dumps(profile_text("x86_64"))[1:-1], "@PROFILE@")
    assert text.replace(SPEC.sha256, "@SPEC@") + "\n" == GOLDEN.read_text()


def test_every_volume_of_the_image_is_covered_once():
    asked = create_arguments(replace(SPEC, volumes=(VolumeMount("kept", "/data"),)), FACTS, IMAGE)
    assert [m["Source"] for m in asked["mounts"] if m["Target"] == "/data"] == ["kept"]
    asked = create_arguments(SPEC, FACTS, IMAGE)
    (cover,) = [m for m in asked["mounts"] if m["Target"] == "/data"]
    assert "size=16777216" in cover["VolumeOptions"]["DriverConfig"]["Options"]["o"]
    with pytest.raises(ImageError, match="/proc/x"):
        create_arguments(SPEC, FACTS, replace(IMAGE, volumes=("/proc/x",)))


def test_a_container_without_gpus_sees_none():
    asked = create_arguments(replace(SPEC, gpu_uuids=()), FACTS, IMAGE)
    assert asked["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert "device_requests" not in asked


def test_an_unknown_runtime_never_falls_back():
    with pytest.raises(ConfigError, match="runsc"):
        create_arguments(replace(SPEC, runtime="runsc"), FACTS, IMAGE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": "debian:latest"}, "not an image id"),
        ({"name": "../x"}, "name"),
        ({"entrypoint": ("sh",)}, "absolute"),
        ({"network": "bridge"}, "prepare"),
        ({"link_dir": "/var/run/docker.sock"}, "not a socket"),
        ({"scratch": (Scratch("/proc"),)}, "/proc"),
        ({"scratch": (Scratch("/"),)}, "normal"),
        ({"scratch": (Scratch("/a/../etc"),)}, "normal"),
        ({"scratch": (Scratch("/nightlab/toolbox/lib"),)}, "/nightlab"),
        ({"scratch": (Scratch("/app"),)}, "twice"),
        ({"volumes": (VolumeMount("/etc", "/x"),)}, "not the name of a volume"),
    ],
)
def test_what_can_never_be_asked(change, words):
    with pytest.raises(ConfigError, match=words):
        replace(SPEC, **change)


@pytest.mark.parametrize("path", ["/var/run/docker.sock", "/", "/proc", "/sys/fs", "/dev/shm", "relative", "/x,y"])
def test_targets_that_are_refused(path):
    assert target_problem(path)


def test_a_weaker_engine_needs_the_users_word():
    weak = replace(FACTS, limits=frozenset({"memory", "swap", "cpu"}), seccomp=False)
    assert missing_protections(FACTS) == ()
    assert missing_protections(weak) == ("pids limit", "seccomp")
    with pytest.raises(PostureError, match=r"pids limit, seccomp.*allow_degraded"):
        require_protections(weak, allow_degraded=False)
    require_protections(weak, allow_degraded=True)
    asked = create_arguments(SPEC, weak, IMAGE)
    assert "pids_limit" not in asked
    assert asked["security_opt"] == ["no-new-privileges"]


def test_cgroup_v2_is_not_asked_for_swappiness():
    assert "mem_swappiness" not in create_arguments(SPEC, replace(FACTS, cgroup_version=2), IMAGE)


def test_what_runs_in_the_background_weighs_next_to_nothing():
    assert "cpu_shares" not in create_arguments(SPEC, FACTS, IMAGE)
    background = replace(SPEC, limits=replace(SPEC.limits, spare_cpu_only=True))
    assert create_arguments(background, FACTS, IMAGE)["cpu_shares"] == 2


def test_podman_gets_its_own_words():
    asked = create_arguments(SPEC, replace(FACTS, name="podman"), IMAGE)
    assert asked["security_opt"][1] == f"seccomp={profile_path('x86_64')}"
    assert asked["environment"]["GREETING"] == ""
    assert set(asked["tmpfs"]) == {"/dev/shm", "/tmp", "/root", "/data"}
    assert all(mount["Source"] for mount in asked["mounts"])


def _allowed(architecture):
    rules = json.loads(profile_text(architecture))["syscalls"]
    return {n for rule in rules if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args") for n in rule["names"]}


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_the_filter_is_an_allow_list_for_one_architecture(architecture):
    profile = json.loads(profile_text(architecture))
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert profile["architectures"] == [f"SCMP_ARCH_{architecture.upper()}"]
    assert "archMap" not in profile
    closed = """bpf io_uring_setup keyctl add_key request_key userfaultfd perf_event_open ptrace process_vm_readv
        process_vm_writev pidfd_getfd mount umount2
        unshare setns pivot_root chroot clone clone3 socket socketpair mknod mknodat
        open_by_handle_at init_module kexec_load reboot memfd_secret personality fanotify_init quotactl kcmp"""
    assert not _allowed(architecture) & set(closed.split())


def test_both_architectures_differ_only_in_calls_that_arm_does_not_have():
    only_x86 = _allowed("x86_64") - _allowed("aarch64")
    assert _allowed("aarch64") < _allowed("x86_64")
    assert {"open", "fork", "arch_prctl"} <= only_x86
    assert not only_x86 & {"openat", "execve", "futex", "mmap", "rt_sigaction", "epoll_pwait"}


def test_an_architecture_without_a_filter_is_refused():
    with pytest.raises(EngineRefused, match="riscv64"):
        profile_text("riscv64")
