"""How fast bytes go in and out: contents of trees, files of a run, output of a job."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from nightlab.controller.bench.latency import MS
from nightlab.controller.bench.stand import PATH, Stand
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.errors import LinkError
from nightlab.controller.link.sandbox import Sandbox

SIZE: Final = 10_000_000
ROUNDS: Final = 15
OUTPUT_BYTES: Final = 50_000_000
OUTPUT_ROUNDS: Final = 5
OUTPUT: Final = f"yes 'step 0001 loss 3.2913 lr 0.000300 grad_norm 1.0021 tok/s 18230' | head -c {OUTPUT_BYTES}"


async def bytes_in(stand: Stand) -> Row:
    """Write one file of 10 MB that the sandbox has not seen, checked by its hash inside; against an archive upload."""
    ours, bare = [], []
    async with stand.spawner.spawn(stand.request()) as live:
        for number in range(ROUNDS):
            content = os.urandom(SIZE)
            began = time.perf_counter()
            await asyncio.to_thread(stand.bare.put, "file.bin", content)
            bare.append((time.perf_counter() - began) * MS)
            tree = stand.add_file(f"{number}.bin", content)
            began = time.perf_counter()
            digest = await live.sandbox.put_tree(stand.site.workspace, tree)
            ours.append((time.perf_counter() - began) * MS)
            if digest != tree.digest:
                raise LinkError("10 MB arrived as something else")
    return Row("in", "10 MB in", "ms", ours, Bar(30.0), "put_archive", bare[1:])


async def bytes_out(stand: Stand) -> Row:
    """Take one file of 10 MB out, hashed on both sides; against an archive download."""
    ours, bare = [], []
    content = os.urandom(SIZE)
    await asyncio.to_thread(stand.bare.put, "file.bin", content)
    async with stand.spawner.spawn(stand.request()) as live:
        await live.sandbox.put_tree(stand.site.workspace, stand.add_file("file.bin", content))
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await asyncio.to_thread(stand.bare.get, "file.bin")
            bare.append((time.perf_counter() - began) * MS)
            ours.append(await _timed_read(stand, live.sandbox, content))
    return Row("out", "10 MB out", "ms", ours, Bar(30.0), "get_archive", bare)


async def _timed_read(stand: Stand, sandbox: Sandbox, content: bytes) -> float:
    into = Path(tempfile.mkdtemp(dir=stand.state.root))
    began = time.perf_counter()
    await sandbox.read_files(
        stand.site.workspace,
        ["file.bin"],
        into=into,
        max_files=1,
        max_file_bytes=SIZE,
        max_total_bytes=SIZE,
        as_uid=stand.site.uid,
        as_gid=stand.site.gid,
    )
    taken = (time.perf_counter() - began) * MS
    if (into / "file.bin").read_bytes() != content:
        raise LinkError("10 MB came out as something else")
    shutil.rmtree(into)
    return taken


async def output(stand: Stand) -> Row:
    """Store 50 MB of lines that a job prints and read them back as they come; against `docker exec` into a file."""
    ours, bare = [], []
    async with stand.spawner.spawn(stand.request()) as live:
        for number in range(OUTPUT_ROUNDS):
            log = stand.state.root / f"bare-{number}.log"
            began = time.perf_counter()
            await asyncio.to_thread(stand.bare.exec_into, log, "sh", "-c", OUTPUT)
            bare.append((time.perf_counter() - began) * MS)
            log.unlink()
            ours.append(await _timed_output(stand, live.sandbox, number))
    return Row("output", "50 MB of output, stored and followed", "ms", ours, None, "docker exec into a file", bare)


async def _timed_output(stand: Stand, sandbox: Sandbox, number: int) -> float:
    log = stand.state.root / f"ours-{number}.log"
    began = time.perf_counter()
    job = await sandbox.start_job(
        f"output-{number}",
        ["sh", "-c", OUTPUT],
        env=PATH,
        cwd="/",
        uid=stand.site.uid,
        gid=stand.site.gid,
        wall_limit_s=120.0,
        stop_grace_s=1.0,
        log=log,
    )
    async for _ in job.lines():
        pass
    await job.exited()
    taken = (time.perf_counter() - began) * MS
    if log.stat().st_size != OUTPUT_BYTES:
        raise LinkError(f"{log.stat().st_size} bytes of {OUTPUT_BYTES} arrived")
    log.unlink()
    return taken
