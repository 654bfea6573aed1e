"""How much of a job's output is lost when the process that follows it is killed again and again."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Final

from nightlab.controller.bench.stand import PATH, Stand, config_of
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.engine import Engine
from nightlab.controller.errors import LinkError
from nightlab.controller.images.toolbox import Toolbox
from nightlab.controller.link.job import Job
from nightlab.controller.model.site import Site
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest

KILLS: Final = 50
LONGEST_LIFE_S: Final = 0.2
READY_TIMEOUT_S: Final = 60.0
JOB: Final = "numbers"
# About 1 MB/s of numbered lines; the last one, at its end, says how many there were.
PERL: Final = """
$SIG{TERM} = sub { print "end $n\\n"; exit 0 };
while (1) {
  for (1..100) { $n++; print "$n ", "x" x 90, "\\n" }
  $| = 1; $| = 0;
  select(undef, undef, undef, 0.01);
}
"""
NUMBERS: Final = ("perl", "-e", PERL)


@dataclass(frozen=True, slots=True)
class Holder:
    """All that a process needs to follow the job: what a restarted controller reads from its store."""

    state: StateDir
    study_id: str
    image: str
    toolbox: Toolbox
    site: Site
    request: SpawnRequest
    log: Path


async def kills(stand: Stand) -> Row:
    """Kill the following process 50 times, at random moments, and compare the log with what was written."""
    holder = Holder(
        stand.state,
        stand.study_id,
        stand.config.image.name,
        stand.toolbox,
        stand.site,
        stand.request(),
        stand.state.root / "numbers.log",
    )
    began = time.perf_counter()
    written = await asyncio.to_thread(_kill_and_follow, holder)
    taken = time.perf_counter() - began
    lost = lost_bytes(holder.log.read_bytes(), written)
    note = f"{written / 1e6:.1f} MB written, {KILLS} kills in {taken:.0f} s"
    return Row("kills", f"output lost over {KILLS} kills", "bytes", [float(lost)], Bar(0.0), note=note)


def lost_bytes(log: bytes, written: int) -> int:
    """Count the bytes that a log lacks, has twice, or has where others should be, by the numbers of its lines."""
    told = re.search(rb"^end (\d+)\n\Z", log, re.MULTILINE)
    count = int(told[1]) if told is not None else log.count(b"\n")
    expected = b"".join(b"%d %s\n" % (number, b"x" * 90) for number in range(1, count + 1)) + b"end %d\n" % count
    differing = sum(one != other for one, other in zip(log, expected, strict=False))
    return max(differing, abs(len(expected) - len(log)), abs(written - len(log)))


def _kill_and_follow(holder: Holder) -> int:
    """Return how many bytes the job wrote, by the supervisor's count. Processes come from one that has all imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    for number in range(KILLS):
        with _following(context, holder, is_first=number == 0, is_last=False) as (process, channel):
            _told(channel)
            time.sleep(random.uniform(0, LONGEST_LIFE_S))
            process.kill()
    with _following(context, holder, is_first=False, is_last=True) as (_, channel):
        return int(_told(channel))


@contextmanager
def _following(
    context: ForkServerContext, holder: Holder, *, is_first: bool, is_last: bool
) -> Iterator[tuple[ForkServerProcess, Connection]]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=follow, args=(holder, is_first, is_last, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield process, ours
        process.join(READY_TIMEOUT_S)
    finally:
        process.kill()
        ours.close()


def _told(channel: Connection) -> str:
    with suppress(EOFError):
        if channel.poll(READY_TIMEOUT_S):
            return str(channel.recv())
    raise LinkError("a process that was to follow the job has ended or does not come up")


# What runs in the processes that are killed


def follow(holder: Holder, is_first: bool, is_last: bool, channel: Connection) -> None:
    """Start the job or take it over, then follow it until killed; the last process ends it and tells what it wrote."""
    asyncio.run(_follow(holder, is_first, is_last, channel))


async def _follow(holder: Holder, is_first: bool, is_last: bool, channel: Connection) -> None:
    engine = await Engine.open(holder.state.root)
    blobs = BlobStore(holder.state.blobs)
    config = config_of(holder.image)
    spawner = Spawner(config, engine, holder.toolbox, blobs, holder.state, holder.study_id)
    spawner.site = holder.site
    async with spawner.spawn(holder.request) if is_first else spawner.adopt(holder.request) as live:
        job = await _start(live, holder) if is_first else live.sandbox.attach_job(JOB, holder.log)
        if is_last:
            await live.sandbox.stop_job(JOB, grace_s=10.0)
            channel.send((await job.exited()).stdout_bytes)
            return
        async for _ in job.lines():  # none comes before the job's output does
            channel.send("follows")
            break
        await job.exited()


async def _start(live: Live, holder: Holder) -> Job:
    return await live.sandbox.start_job(
        JOB,
        NUMBERS,
        env=PATH,
        cwd="/",
        uid=holder.site.uid,
        gid=holder.site.gid,
        wall_limit_s=600.0,
        stop_grace_s=10.0,
        log=holder.log,
    )
