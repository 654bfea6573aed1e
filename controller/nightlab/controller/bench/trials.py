"""What a trial costs beside its training: time of the controller, memory of the supervisor and of the controller."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nightlab.controller.bench.latency import MS, run_true, timed_bare
from nightlab.controller.bench.stand import PATH, Stand, open_stand
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.errors import LinkError
from nightlab.controller.model.site import Share
from nightlab.controller.model.trial import Ending, Phase, Role, TrialOutcome, TrialSpec

TRIALS: Final = 8
TRAIN_S: Final = 0.5
TRAIN: Final = ("sh", "-c", f"sleep {TRAIN_S}; echo loss: 1.0")
ENDLESS: Final = ("sh", "-c", "echo up; exec sleep 600")
CROWD: Final = 16
CROWD_TIMEOUT_S: Final = 300.0
IDLE_S: Final = 3.0
MB: Final = 1e6


async def overhead(stand: Stand) -> Row:
    """Walk trials whose training takes half a second and count the rest; against the same in a `docker run`."""
    ours, bare = [], []
    for number in range(TRIALS):
        bare.append(await timed_bare(stand, *TRAIN) - TRAIN_S * MS)
        began = time.perf_counter()
        outcome = await walk(stand, number, TRAIN, asyncio.Event(), lambda _line: None)
        ours.append((time.perf_counter() - began - TRAIN_S) * MS)
        if outcome.ending is not Ending.FINISHED or outcome.measurements[0].value != 1.0:
            raise LinkError(f"the trial ended as {outcome.ending}: {outcome.reason}")
    return Row("overhead", "a trial beyond its training", "ms", ours, Bar(1500.0), "docker run of the same", bare)


async def supervisor(stand: Stand) -> Row:
    """Read the supervisor's resident memory after it sealed a tree, ran a command and was left alone."""
    samples = []
    async with stand.spawner.spawn(stand.request()) as live:
        await live.seal(stand.tree)
        await run_true(stand, live.sandbox)
        await asyncio.sleep(IDLE_S)
        state = await stand.engine.state(live.container)
        samples.append(resident_bytes(state.pid) / MB)
    return Row("supervisor", "supervisor, idle RSS", "MB", samples, Bar(40.0))


async def crowd(stand: Stand) -> Row:
    """Read the controller's resident memory with 16 trials running, in a process that does nothing else."""
    del stand
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE)
    try:
        written, _ = await asyncio.wait_for(child.communicate(), CROWD_TIMEOUT_S)
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    if child.returncode != 0:
        raise LinkError(f"the process with {CROWD} trials ended with {child.returncode}")
    before, with_all = json.loads(written)
    note = f"{before / MB:.0f} MB with none"
    return Row("crowd", f"controller with {CROWD} trials running, RSS", "MB", [with_all / MB], None, note=note)


async def walk(
    stand: Stand, number: int, argv: tuple[str, ...], stop: asyncio.Event, line: Callable[[str], None]
) -> TrialOutcome:
    """Walk one trial of a command."""
    spec = TrialSpec(
        study_id=stand.study_id,
        number=number,
        attempt=1,
        role=Role.BASELINE,
        tree=stand.tree,
        run_seed=None,
        argv=argv,
        env=PATH,
        cwd=stand.site.workdir,
    )
    return await stand.walk().run(spec, Share(), stop=stop, emit=_quiet, line=line)


def resident_bytes(pid: int | str) -> int:
    """Return a process's resident memory."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return 0 if found is None else int(found[1]) * 1024


def _quiet(phase: Phase, text: str) -> None:
    """Tell nobody."""


async def _run_crowd() -> tuple[int, int]:
    """Run 16 trials at a time; return the resident memory before them and with all of them, in bytes."""
    async with open_stand(lambda _line: None) as stand:
        before = resident_bytes("self")
        stop, all_up, up = asyncio.Event(), asyncio.Event(), set[int]()

        def came_up(number: int) -> None:
            up.add(number)
            if len(up) == CROWD:
                all_up.set()

        lines = [lambda _line, number=number: came_up(number) for number in range(CROWD)]
        trials = [asyncio.create_task(walk(stand, n, ENDLESS, stop, lines[n])) for n in range(CROWD)]
        waiting = asyncio.create_task(all_up.wait())
        await asyncio.wait({waiting, *trials}, return_when=asyncio.FIRST_COMPLETED)
        with_all = resident_bytes("self")
        waiting.cancel()
        stop.set()
        endings = {(await trial).ending for trial in trials}
        if endings != {Ending.STOPPED}:
            raise LinkError(f"a trial of the crowd ended by itself: {endings}")
        return before, with_all


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_run_crowd())))
