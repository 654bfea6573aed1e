"""Which engine is used, and which are refused with a reason."""

import asyncio
import json
import os
from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import pytest

from nightlab.controller.engine.connect import candidates, connect, refuse_virtual
from nightlab.controller.engine.facts import read_facts
from nightlab.controller.errors import EngineMissing, EngineRefused

VERSION = {"Version": "28.5.1", "ApiVersion": "1.51", "Components": [{"Name": "Engine"}]}
INFO = {
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"],
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "Runtimes": {"runc": {}, "io.containerd.runc.v2": {}},
    "DefaultRuntime": "runc",
    "MemoryLimit": True,
    "PidsLimit": True,
    "SwapLimit": False,
    "NCPU": 8,
    "MemTotal": 2**34,
    "KernelVersion": os.uname().release,
    "OperatingSystem": "Debian GNU/Linux 13",
    "Architecture": "x86_64",
}


@pytest.mark.docker
def test_the_local_engine_is_found_and_described():
    facts, client = connect({})
    with closing(client):
        assert facts.kernel == os.uname().release
        assert facts.socket.startswith("/")
        assert facts.cpus >= 1
        assert facts.cgroup_version in (1, 2)
        assert client.ping()


@pytest.mark.parametrize("host", ["tcp://192.0.2.1:2376", "ssh://user@example.test", "npipe:////./pipe/docker_engine"])
def test_a_remote_engine_is_refused(host):
    with pytest.raises(EngineRefused, match="not a Unix socket"):
        connect({"DOCKER_HOST": host})


def test_a_context_of_the_docker_cli_is_followed(tmp_path):
    meta = tmp_path / "contexts" / "meta" / sha256(b"far").hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "ssh://far.test"}}}))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "far"}))
    with pytest.raises(EngineRefused, match="Docker context far"):
        connect({"DOCKER_CONFIG": str(tmp_path)})
    with pytest.raises(EngineRefused, match="'lost' has no endpoint"):
        connect({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "lost"})
    assert not any(c.chosen for c in candidates({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "default"}))


def test_a_chosen_engine_that_is_absent_is_not_replaced_by_another(tmp_path):
    with pytest.raises(EngineMissing, match=r"DOCKER_HOST: no such socket.*nightlab engine ensure"):
        connect({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})


async def test_a_socket_that_speaks_no_docker_is_missing(tmp_path):
    async def hang_up(reader, writer):
        writer.close()

    path = tmp_path / "other.sock"
    async with await asyncio.start_unix_server(hang_up, path):
        with pytest.raises(EngineMissing, match="does not answer"):
            await asyncio.to_thread(connect, {"DOCKER_HOST": f"unix://{path}"})


def test_engines_in_a_virtual_machine_are_refused():
    facts = read_facts("/s", VERSION, INFO)
    refuse_virtual(facts, os.uname().release)
    with pytest.raises(EngineRefused, match="virtual machine"):
        refuse_virtual(facts, "5.15.0-other")
    with pytest.raises(EngineRefused, match="Docker Desktop"):
        refuse_virtual(replace(facts, operating_system="Docker Desktop"), facts.kernel)


def test_facts_are_read():
    facts = read_facts("/s", VERSION, INFO)
    assert (facts.name, facts.api_version, facts.cgroup_version) == ("docker", (1, 51), 2)
    assert (facts.rootless, facts.userns, facts.apparmor, facts.selinux, facts.seccomp) == (
        True,
        True,
        True,
        False,
        True,
    )
    assert facts.limits == {"memory", "pids"}
    assert facts.has_private_cgroupns
    podman = read_facts("/s", {**VERSION, "Components": [{"Name": "Podman Engine"}]}, {**INFO, "SecurityOptions": None})
    assert (podman.name, podman.userns) == ("podman", False)
