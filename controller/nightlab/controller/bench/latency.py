"""How long one must wait: for a new container's first result, and for one more command."""

from __future__ import annotations

import asyncio
import subprocess
import time
from typing import Final

from nightlab.controller.bench.stand import PATH, Stand
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.errors import LinkError
from nightlab.controller.link.sandbox import Sandbox

SPAWNS: Final = 12
COMMANDS: Final = 200
EXECS: Final = 20
IDLE_ROUNDS: Final = 25
IDLE_S: Final = 0.3
WARM_UP: Final = 5
MS: Final = 1000.0


async def first_result(stand: Stand) -> Row:
    """Create a container with its workspace and its link, run `true` in it; against `docker run`."""
    ours, bare = [], []
    for _ in range(SPAWNS):
        bare.append(await timed_bare(stand, "true"))
        began = time.perf_counter()
        async with stand.spawner.spawn(stand.request()) as live:
            await run_true(stand, live.sandbox)
            ours.append((time.perf_counter() - began) * MS)
    return Row(
        "spawn", "create to first result", "ms", ours, Bar(1.3, "ratio"), "docker run --network none IMAGE true", bare
    )


async def back_to_back(stand: Stand) -> Row:
    """Run `true` again and again; against `docker exec`."""
    ours, bare = [], []
    async with stand.spawner.spawn(stand.request()) as live:
        for _ in range(WARM_UP):
            await run_true(stand, live.sandbox)
        for block in range(EXECS):
            began = time.perf_counter()
            await asyncio.to_thread(stand.bare.exec, "true")
            if block:  # the first one also starts the peer's container
                bare.append((time.perf_counter() - began) * MS)
            ours += [await _timed(stand, live.sandbox) for _ in range(COMMANDS // EXECS)]
    return Row("round-trip", "command, back to back", "ms", ours, Bar(4.0), "docker exec", bare)


async def after_idle(stand: Stand) -> Row:
    """Run `true` after a pause; against a subprocess of this process after the same pause."""
    ours, host = [], []
    async with stand.spawner.spawn(stand.request()) as live:
        await run_true(stand, live.sandbox)
        for _ in range(IDLE_ROUNDS):
            await asyncio.sleep(IDLE_S)
            began = time.perf_counter()
            subprocess.run(["true"], check=True)  # noqa: ASYNC221 - it is what is measured
            host.append((time.perf_counter() - began) * MS)
            await asyncio.sleep(IDLE_S)
            ours.append(await _timed(stand, live.sandbox))
    bar = Bar(4.0, "difference")
    return Row("after-idle", f"command after {IDLE_S} s idle", "ms", ours, bar, "subprocess.run on the host", host)


async def timed_bare(stand: Stand, *argv: str) -> float:
    """Return how long a `docker run` took, in ms."""
    began = time.perf_counter()
    await asyncio.to_thread(stand.bare.run, *argv)
    return (time.perf_counter() - began) * MS


async def run_true(stand: Stand, sandbox: Sandbox) -> None:
    """Run `true` as the workload and make sure that it ran."""
    uid, gid = stand.site.uid, stand.site.gid
    result = await sandbox.run("true", ["true"], env=PATH, cwd="/", uid=uid, gid=gid, wall_limit_s=30.0)
    if result.exit.code != 0:
        raise LinkError(f"`true` ended with {result.exit.code}: {result.exit.start_error}")


async def _timed(stand: Stand, sandbox: Sandbox) -> float:
    began = time.perf_counter()
    await run_true(stand, sandbox)
    return (time.perf_counter() - began) * MS
