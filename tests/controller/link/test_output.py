"""Output: any bytes in any amount arrive in bounded memory, and the job is held back rather than robbed."""

import hashlib
import os
import sys
from pathlib import Path

import psutil

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
MEGABYTE = 1_000_000


async def flood(sandbox, base, code):
    return await sandbox.start_job(
        "flood",
        [PYTHON, "-c", f"import os, sys; w = sys.stdout.buffer.write\n{code}"],
        env=ENV,
        cwd="/",
        uid=os.geteuid(),
        gid=os.getegid(),
        wall_limit_s=100,
        stop_grace_s=1,
        log=base / "flood.log",
    )


async def test_single_line_of_50_megabytes_comes_in_pieces(sandbox, base):
    job = await flood(sandbox, base, "for _ in range(50): w(b'x' * 1_000_000)")
    sizes = [len(line) async for line in job.lines()]
    assert (sum(sizes), max(sizes)) == (50 * MEGABYTE, 65536)
    assert (base / "flood.log").stat().st_size == 50 * MEGABYTE


async def test_200_megabytes_cost_neither_side_its_memory(link, sandbox, base):
    supervisor, host = psutil.Process(link.supervisor.pid), psutil.Process()
    before = host.memory_info().rss
    job = await flood(sandbox, base, "for n in range(200): w((b'%07d\\n' % n) * 125_000)")
    job_exit = await job.exited()
    assert (job_exit.code, job_exit.stdout_bytes) == (0, 200 * MEGABYTE)
    assert supervisor.memory_info().rss < 80 * MEGABYTE
    assert host.memory_info().rss - before < 60 * MEGABYTE
    assert (base / "flood.log").stat().st_size < 68 * MEGABYTE
    with (base / "flood.log").open("rb") as log:
        assert log.read(8) == b"0000000\n"
        log.seek(-8, os.SEEK_END)
        assert log.read() == b"0000199\n"


async def test_binary_garbage_is_stored_as_it_is(sandbox, base):
    job = await flood(sandbox, base, "import random; w(random.Random(1).randbytes(3_000_000))")
    async for _ in job.lines():
        pass
    import random

    expected = random.Random(1).randbytes(3_000_000)
    assert hashlib.sha256((base / "flood.log").read_bytes()).digest() == hashlib.sha256(expected).digest()


async def test_a_million_tiny_writes_arrive_in_order(sandbox, base):
    code = "out = os.fdopen(1, 'wb', 0)\nfor n in range(200_000): out.write(b'%d\\n' % n)"
    job = await flood(sandbox, base, code)
    numbers = [int(line) async for line in job.lines()]
    assert numbers == list(range(200_000))


async def test_progress_bars_are_lines(sandbox, base):
    job = await flood(sandbox, base, "w(b'10%\\r50%\\r100%\\r\\ndone\\n'); sys.stdout.flush()")
    assert [line async for line in job.lines() if line] == ["10%", "50%", "100%", "done"]
