"""The supervisor where it belongs: PID 1 of a hardened container, from the toolbox, in an image that knows nothing."""

import asyncio
from collections.abc import AsyncIterator

import docker
import pytest
from docker.types import LogConfig, Mount

from nightlab.controller.errors import CommandFailed
from nightlab.controller.images.base import ensure_base
from nightlab.controller.images.toolbox import MOUNT, ensure_toolbox
from nightlab.controller.link import Sandbox

pytestmark = pytest.mark.docker
WORKLOAD = 65532
ENV = {"PATH": "/usr/bin:/bin"}
WORKSPACE = "/workspace"


@pytest.fixture(scope="module")
def client():
    client = docker.from_env(timeout=300)
    yield client
    client.close()


@pytest.fixture(scope="module")
def toolbox(client):
    return ensure_toolbox(client)


@pytest.fixture
async def container(client, toolbox, link):
    """A container with the hardening that matters here; the whole policy is the engine's own test."""
    link.socket_directory.mkdir(mode=0o700)
    container = await asyncio.to_thread(
        client.containers.create,
        ensure_base(client),
        entrypoint=list(toolbox.entrypoint),
        network_mode="none",
        read_only=True,
        user="0:0",
        cap_drop=["ALL"],
        cap_add=["SETUID", "SETGID", "KILL"],
        security_opt=["no-new-privileges:true"],
        ipc_mode="private",
        pids_limit=64,
        mem_limit="256m",
        memswap_limit="256m",
        tmpfs={WORKSPACE: "rw,nosuid,nodev,size=64m,mode=1777", "/tmp": "rw,nosuid,nodev,size=16m,mode=1777"},
        mounts=[
            Mount(MOUNT, toolbox.volume, type="volume", read_only=True, no_copy=True),
            Mount("/nightlab/link", str(link.socket_directory), type="bind", read_only=True),
        ],
        log_config=LogConfig(type="local", config={"max-size": "1m", "max-file": "2"}),
        labels={"nightlab.test": "link"},
        stop_signal="SIGTERM",
    )
    yield container
    await asyncio.to_thread(container.remove, force=True, v=True)


@pytest.fixture
async def inside(link, container) -> AsyncIterator[Sandbox]:
    server = link.server()
    await server.start()
    try:
        await asyncio.to_thread(container.start)
        yield await server.connected(30)
    finally:
        await server.stop()


async def sh(sandbox, code, uid=WORKLOAD, **options):
    options = {"wall_limit_s": 30.0} | options
    return await sandbox.run("sh", ["sh", "-c", code], env=ENV, cwd="/", uid=uid, gid=uid, **options)


async def test_workload_cannot_reach_the_supervisor_or_its_socket(inside):
    attack = """
        for what in /proc/1/environ /proc/1/mem /proc/1/maps /proc/1/fd /nightlab/link/link.sock /nightlab/link; do
            (cat $what || ls $what/) >/dev/null 2>&1 && echo "read $what"
        done
        kill -9 1 2>/dev/null && echo killed
        kill -TERM 1 2>/dev/null && echo termed
        rm -f /nightlab/link/link.sock 2>/dev/null; ln -s /run/x /nightlab/link/link.sock 2>/dev/null && echo linked
        echo done
    """
    result = await sh(inside, attack)
    assert result.stdout == b"done\n"
    assert await inside.ping() < 5


async def test_even_the_containers_root_cannot_change_the_socket_directory(inside, link):
    attack = "cd /nightlab/link && { rm link.sock; mv link.sock x; ln -s /etc/passwd y; }"
    result = await sh(inside, attack, uid=0)
    assert result.exit.code != 0
    assert [path.name for path in link.socket_directory.iterdir()] == ["link.sock"]


async def test_fork_bomb_is_ended_while_the_link_answers(inside, base):
    code = "echo ready; while :; do sh -c 'while :; do setsid sleep 600 & done' 2>/dev/null; done"
    job = await inside.start_job(
        "bomb", ["sh", "-c", code], env=ENV, cwd="/", uid=WORKLOAD, gid=WORKLOAD, wall_limit_s=60, stop_grace_s=0,
        log=base / "log",
    )  # fmt: skip
    assert await anext(job.lines()) == "ready"
    assert await inside.ping(10) < 10
    async with asyncio.timeout(5):
        await inside.stop_job("bomb", 0)
        assert (await job.exited()).stopped
    assert (await sh(inside, "echo alive")).stdout == b"alive\n"


async def test_escaped_processes_die_and_their_zombies_are_reaped(inside):
    result = await sh(inside, "for i in 1 2 3; do (setsid sh -c 'trap \"\" TERM; sleep 600' &) & done; wait")
    assert result.exit.code == 0
    assert result.exit.killed_processes >= 3
    listed = await sh(inside, "ls -d /proc/[0-9]* | wc -l")
    assert int(listed.stdout) <= 5  # the supervisor, and this pipeline


async def test_sealed_tree_withstands_the_workload(inside, link):
    tree = link.blobs.tree({"train.py": b"lr = 0.5\n", "pkg/mod.py": b"x"})
    assert await inside.put_tree(WORKSPACE, tree) == tree.digest
    for attack in (
        "echo lr=0.3 > train.py",
        "rm -f train.py",
        "mv pkg q",
        "chmod u+w train.py",
        "ln -f /bin/sh train.py",
    ):
        assert (await sh(inside, f"cd {WORKSPACE} && {attack}")).exit.code != 0, attack
    assert (await sh(inside, f"cd {WORKSPACE} && umask 077 && echo w > model.pt")).exit.code == 0
    scan = await inside.scan_tree(WORKSPACE)
    assert [entry for entry in scan.entries if entry.path in tree.by_path] == list(tree.entries)
    assert scan.odd == ("model.pt",)  # the workload's own: closed even to the supervisor
    taken = await inside.read_files(
        WORKSPACE, ["*.pt"], into=link.base / "taken", max_files=1, max_file_bytes=100, max_total_bytes=100,
        as_uid=WORKLOAD, as_gid=WORKLOAD,
    )  # fmt: skip
    assert taken.files == {"model.pt": 2}


async def test_full_workspace_is_a_failure_that_leaves_nothing(inside, link):
    with pytest.raises(CommandFailed) as caught:
        await inside.put_tree(WORKSPACE, link.blobs.tree({"big": bytes(80_000_000)}))
    assert caught.value.failure == "NO_SPACE"
    assert (await sh(inside, f"ls -A {WORKSPACE}")).stdout == b""


async def test_idle_supervisor_is_small_and_ends_with_status_0(inside, container):
    await sh(inside, "true")
    await inside.ping()
    assert 0 < inside.supervisor_rss_bytes < 48_000_000
    await inside.shutdown()
    assert (await asyncio.to_thread(container.wait, timeout=10))["StatusCode"] == 0


async def test_term_to_pid_1_ends_the_container_at_once(inside, container):
    await asyncio.to_thread(container.kill, "SIGTERM")
    assert (await asyncio.to_thread(container.wait, timeout=10))["StatusCode"] == 0


async def test_image_is_asked_about_users_and_programs(inside):
    assert (await inside.resolve_user("nobody:daemon")).gid == 1
    assert (await inside.resolve_user("")).home == "/root"
    assert (await inside.resolve_program("sh", path_env="/usr/bin:/bin", cwd="/")).path.endswith("/sh")
    assert await inside.probe_access(["/root", "/etc"], uid=WORKLOAD, gid=WORKLOAD) >= ("/root",)
