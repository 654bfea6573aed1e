"""Jobs: what they say arrives, what they are is reported, and all that they started ends with them."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from nightlab.controller.errors import CommandFailed

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other uids are needed")


def as_uid(uid: int | None = None) -> dict[str, object]:
    uid = os.geteuid() if uid is None else uid
    return {"env": ENV, "cwd": "/", "uid": uid, "gid": uid or os.getegid()}


async def start(sandbox, base, code, uid=None, **options):
    options = {"wall_limit_s": 60, "stop_grace_s": 1.0} | options
    argv = ["sh", "-c", code] if isinstance(code, str) else code
    return await sandbox.start_job("train", argv, **as_uid(uid), log=base / "train.log", **options)


def processes_of(uid: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.uids().real == uid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


async def all_end(uid: int, timeout_s: float = 5.0) -> bool:
    """Wait until every process of a uid has ended."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes_of(uid), timeout_s)
    return not alive and not processes_of(uid)


async def test_tool_reports_both_channels_and_its_status(sandbox):
    result = await sandbox.run("tool", ["sh", "-c", "echo out; echo err >&2; exit 3"], **as_uid(), wall_limit_s=20)
    assert (result.stdout, result.stderr, result.exit.code) == (b"out\n", b"err\n", 3)
    assert not result.truncated


async def test_tool_name_may_be_used_again_and_at_once(sandbox):
    runs = [sandbox.run("tool", ["echo", str(n)], **as_uid(), wall_limit_s=20) for n in range(8)]
    assert [r.stdout for r in await asyncio.gather(*runs)] == [b"%d\n" % n for n in range(8)]


async def test_tool_output_is_bounded(sandbox):
    code = "import sys; sys.stdout.write('x' * 5_000_000)"
    result = await sandbox.run("t", [PYTHON, "-c", code], **as_uid(), wall_limit_s=20, output_limit_bytes=1000)
    assert (result.stdout, result.truncated, result.exit.stdout_bytes) == (b"x" * 1000, True, 5_000_000)


@pytest.mark.parametrize(
    ("argv", "cwd", "reason"),
    [(["no-such-program"], "/", "not found"), (["true"], "/no/such/directory", "chdir")],
)
async def test_job_that_cannot_start_says_why(sandbox, argv, cwd, reason):
    result = await sandbox.run("t", argv, **as_uid() | {"cwd": cwd}, wall_limit_s=20)
    assert reason in result.exit.start_error
    assert result.exit.code is None


async def test_signal_is_told_apart_from_a_status(sandbox):
    result = await sandbox.run("t", ["sh", "-c", "kill -9 $$"], **as_uid(), wall_limit_s=20)
    assert (result.exit.code, result.exit.signal) == (None, signal.SIGKILL)


async def test_wall_limit_ends_a_job_that_ignores_the_term(sandbox):
    result = await sandbox.run(
        "t", ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"], **as_uid(), wall_limit_s=0.3, stop_grace_s=0.2
    )
    assert result.exit.timed_out
    assert result.exit.signal == signal.SIGKILL


async def test_job_may_clean_up_within_the_grace(sandbox, base):
    job = await start(sandbox, base, "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.02; done")
    lines = job.lines()
    assert await anext(lines) == "ready"
    await sandbox.stop_job("train", 10.0)
    job_exit = await job.exited()
    assert (job_exit.code, job_exit.stopped, [line async for line in lines][-1]) == (7, True, "bye")


async def test_starting_twice_is_starting_once(sandbox, base):
    first = await start(sandbox, base, "echo once")
    second = await start(sandbox, base, "echo once")
    assert first is second
    await first.exited()
    assert (base / "train.log").read_text() == "once\n"
    assert await (await start(sandbox, base, "echo once")).exited() == await first.exited()


async def test_stopping_a_job_that_never_was_is_a_failure(sandbox):
    with pytest.raises(CommandFailed) as caught:
        await sandbox.stop_job("nothing", 1.0)
    assert caught.value.failure == "NOT_FOUND"


@needs_root
async def test_job_has_no_privileges(sandbox, new_uid):
    uid = new_uid()
    result = await sandbox.run("t", ["cat", "/proc/self/status"], **as_uid(uid), wall_limit_s=20)
    status = dict(line.split(":\t", 1) for line in result.stdout.decode().splitlines() if ":\t" in line)
    assert status["Uid"].split() == status["Gid"].split() == [str(uid)] * 4
    assert (status["Groups"].strip(), status["NoNewPrivs"], int(status["CapEff"], 16)) == ("", "1", 0)


@needs_root
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("setsid sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done' & wait", id="setsid"),
        pytest.param(
            "(setsid sh -c 'trap \"\" TERM; echo ready; exec sleep 600' &) & exec sleep 600", id="double fork"
        ),
        pytest.param("f() { sleep 600 & f; }; for i in 1 2 3; do setsid sleep 600 & done; echo ready; wait", id="many"),
    ],
)
async def test_all_processes_end_with_the_job(sandbox, base, new_uid, code):
    uid = new_uid()
    job = await start(sandbox, base, code, uid)
    lines = job.lines()
    assert await anext(lines) == "ready"
    assert processes_of(uid)
    await sandbox.stop_job("train", 0.1)
    assert (await job.exited()).stopped
    assert await all_end(uid)


@needs_root
async def test_what_a_job_leaves_behind_dies_and_is_counted(sandbox, base, new_uid):
    uid = new_uid()
    job = await start(sandbox, base, "for i in 1 2 3; do setsid sleep 600 & done; echo ready", uid)
    job_exit = await job.exited()
    assert (job_exit.code, job_exit.killed_processes) == (0, 3)
    assert await all_end(uid)


@needs_root
async def test_other_uids_are_left_alone(sandbox, base, new_uid):
    # Not user=...: that forks, and a fork of a process with the threads of gRPC can crash before its exec.
    bystander = await asyncio.create_subprocess_exec("setpriv", "--reuid", str(new_uid()), "sleep", "600")
    try:
        job = await start(sandbox, base, "setsid sleep 600 & echo ready; wait", new_uid())
        await anext(job.lines())
        await sandbox.stop_job("train", 0.1)
        await job.exited()
        assert bystander.returncode is None
    finally:
        bystander.kill()
        await bystander.wait()


@needs_root
async def test_a_forking_flood_is_ended_at_once(sandbox, base, new_uid):
    code = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (150, 150))\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    try: os.fork()\n"
        "    except OSError: pass\n"
    )
    uid = new_uid()
    job = await start(sandbox, base, [PYTHON, "-c", code], uid)
    lines = job.lines()
    assert await anext(lines) == "ready"
    async with asyncio.timeout(5):
        await sandbox.stop_job("train", 0.0)
        await job.exited()
    assert await all_end(uid)


async def test_standard_error_has_a_log_of_its_own_unless_merged(sandbox, base):
    job = await start(sandbox, base, "echo out; echo err >&2", merge=False)
    await job.exited()
    assert (base / "train.log").read_text() == "out\n"
    assert (base / "train.log.stderr").read_text() == "err\n"
