"""The host may die at any moment, and the sandbox may fall silent: nothing is lost, and silence is noticed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from nightlab.controller.errors import CommandFailed, LinkError, SandboxLost

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
LINES = 1_200_000  # 40 MB: more than the sandbox holds while there is no host
WRITER = f"import sys\nfor n in range({LINES}): sys.stdout.write('line %09d of a training run\\n' % n)"
LINE_BYTES = len("line 000000000 of a training run\n")

# A controller of its own process: follows the job, starting it if nobody has, and says how far its log has come.
HOST = """
import asyncio, io, os, sys
from pathlib import Path
from nightlab.controller.errors import CommandFailed
from nightlab.controller.link import LinkServer

class NoBlobs:
    def open(self, sha256): raise KeyError(sha256)

async def main(base, python, writer):
    server = LinkServer(base / "link", blobs=NoBlobs(), journal=base / "journal", heartbeat_s=0.2, grace_s=30)
    await server.start()
    sandbox = await server.connected(30)
    log = base / "log"
    try:
        job = sandbox.attach_job("train", log)
    except CommandFailed:
        job = await sandbox.start_job("train", [python, "-c", writer], env={"PATH": "/usr/bin:/bin"}, cwd="/",
            uid=os.geteuid(), gid=os.getegid(), wall_limit_s=100, stop_grace_s=1, log=log)
    async for line in job.lines():
        if line.endswith("0000 of a training run"):
            print(line.split()[1], flush=True)
    job_exit = await job.exited()
    print("exit", job_exit.code, job_exit.stdout_bytes, flush=True)
    await server.stop()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""


async def start_host(base):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, str(base), PYTHON, WRITER, stdout=asyncio.subprocess.PIPE
    )


async def test_no_byte_is_lost_when_the_host_is_killed_again_and_again(link, base):
    link.socket_directory.mkdir()
    await link.start_supervisor()
    kills = 0
    for _ in range(8):
        host = await start_host(base)
        if not (await asyncio.wait_for(host.stdout.readline(), 60)).strip().isdigit():
            break  # the job is over
        host.kill()
        await host.wait()
        kills += 1
    assert kills >= 2
    host = await start_host(base)
    out, _ = await asyncio.wait_for(host.communicate(), 100)
    assert out.splitlines()[-1] == b"exit 0 %d" % (LINES * LINE_BYTES)
    expected = b"".join(b"line %09d of a training run\n" % n for n in range(LINES))
    assert (base / "log").read_bytes() == expected


async def test_end_is_known_to_a_host_that_comes_after_it(link, base):
    log = base / "log"
    async with link.sandbox() as sandbox:
        job = await sandbox.start_job(
            "train", ["sh", "-c", "echo done; exit 5"], env=ENV, cwd="/", uid=os.geteuid(), gid=os.getegid(),
            wall_limit_s=20, stop_grace_s=1, log=log,
        )  # fmt: skip
        first = await job.exited()
    async with link.sandbox() as sandbox:
        job = sandbox.attach_job("train", log)
        assert await job.exited() == first
        assert [line async for line in job.lines()] == []
        with pytest.raises(LinkError, match="attach it with its own log"):
            sandbox.attach_job("train", base / "another.log")
        with pytest.raises(CommandFailed, match="never started"):
            sandbox.attach_job("other", log)


async def test_job_goes_on_while_there_is_no_host(link, base):
    log = base / "log"
    code = "echo before; read _ < ready; echo after"
    os.mkfifo(base / "ready")
    async with link.sandbox() as sandbox:
        job = await sandbox.start_job(
            "train", ["sh", "-c", code], env=ENV, cwd=str(base), uid=os.geteuid(), gid=os.getegid(),
            wall_limit_s=60, stop_grace_s=1, log=log,
        )  # fmt: skip
        assert await anext(job.lines()) == "before"
    await asyncio.to_thread((base / "ready").write_text, "go\n")
    async with link.sandbox() as sandbox:
        job = sandbox.attach_job("train", log)
        assert [line async for line in job.lines()] in (["after"], [])  # it may have come before it was attached
        assert (await job.exited()).code == 0
    assert log.read_text() == "before\nafter\n"


async def run_sleeper(sandbox, base):
    """Start a tool that would sleep for ten minutes: (its pending result, its process)."""
    os.mkfifo(base / "pid")
    code = f"echo $$ > {base / 'pid'}; exec sleep 600"
    pending = asyncio.ensure_future(
        sandbox.run("tool", ["sh", "-c", code], env=ENV, cwd="/", uid=os.geteuid(), gid=os.getegid(), wall_limit_s=900)
    )
    return pending, psutil.Process(int(await asyncio.to_thread((base / "pid").read_text)))


async def has_ended(process: psutil.Process) -> bool:
    return not (await asyncio.to_thread(psutil.wait_procs, [process], 10))[1]


async def test_tool_of_a_dead_host_is_ended_by_the_next(link, base):
    async with link.sandbox() as sandbox:
        pending, process = await run_sleeper(sandbox, base)
    with pytest.raises(SandboxLost, match="closed"):
        await pending
    assert process.is_running()
    async with link.sandbox():
        assert await has_ended(process)


async def test_tool_that_nobody_waits_for_any_more_is_ended(sandbox, base):
    pending, process = await run_sleeper(sandbox, base)
    pending.cancel()
    await asyncio.gather(pending, return_exceptions=True)
    assert await has_ended(process)


async def test_commands_survive_a_broken_stream(sandbox):
    runs = [
        asyncio.ensure_future(
            sandbox.run("t", ["sh", "-c", f"sleep 0.2; echo {n}"], env=ENV, cwd="/", uid=os.geteuid(),
                        gid=os.getegid(), wall_limit_s=30)
        )
        for n in range(5)
    ]  # fmt: skip
    await sandbox.ping()
    sandbox._exchange.close_connection()
    results = await asyncio.gather(*runs)
    assert [result.stdout for result in results] == [b"%d\n" % n for n in range(5)]


async def test_stopped_supervisor_is_noticed(link):
    async with link.sandbox(lost_after_s=1.0) as sandbox:
        link.supervisor.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(SandboxLost, match="silent"):
                await asyncio.wait_for(
                    sandbox.run("t", ["true"], env=ENV, cwd="/", uid=os.geteuid(), gid=os.getegid(), wall_limit_s=60),
                    10,
                )
        finally:
            link.supervisor.send_signal(signal.SIGCONT)


async def test_killed_supervisor_loses_its_jobs(link, base):
    async with link.sandbox(lost_after_s=1.0) as sandbox:
        job = await sandbox.start_job(
            "train", ["sh", "-c", "echo $$; exec sleep 600"], env=ENV, cwd="/", uid=os.geteuid(), gid=os.getegid(),
            wall_limit_s=900, stop_grace_s=1, log=base / "log",
        )  # fmt: skip
        pid = int(await anext(job.lines()))
        await link.stop_supervisor()
        with pytest.raises(SandboxLost):
            await asyncio.wait_for(job.exited(), 10)
        os.kill(pid, signal.SIGKILL)  # outside of a container nothing ends with the supervisor
    link.supervisor = None
    async with link.sandbox() as sandbox:
        with pytest.raises(SandboxLost, match="supervisor that is gone"):
            await sandbox.attach_job("train", base / "log").exited()


async def test_supervisor_ends_itself_and_its_jobs_when_the_host_is_gone_for_good(link, base):
    async with link.sandbox(grace_s=0.5) as sandbox:
        await sandbox.start_job(
            "train", ["sh", "-c", "echo $$; exec sleep 600"], env=ENV, cwd="/", uid=os.geteuid(), gid=os.getegid(),
            wall_limit_s=900, stop_grace_s=1, log=base / "log",
        )  # fmt: skip
    assert await asyncio.wait_for(link.supervisor.wait(), 10) == 70


async def test_shutdown_and_term_end_the_supervisor(link):
    async with link.sandbox() as sandbox:
        await sandbox.shutdown()
        assert await asyncio.wait_for(link.supervisor.wait(), 5) == 0
    await link.start_supervisor()
    async with link.sandbox():
        link.supervisor.terminate()
        assert await asyncio.wait_for(link.supervisor.wait(), 5) == 0
