"""A smoke run in a container of its own: what it tells, how it ends, that nothing of it stays."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from nightlab.controller.engine import Engine
from nightlab.controller.model.site import Share
from nightlab.controller.model.trial import Ending
from nightlab.controller.trial.smoke import SmokeRun, SmokeRunner

pytestmark = pytest.mark.docker
LOSS = {"name": "loss", "measure": {"source": "regex", "pattern": r"loss=(\S+)"}}
KEPT = {"name": "kept", "measure": {"source": "json", "path": "out/result.json", "key": "kept"}}


async def smoke(
    ground: Any, source: str, *, background: bool = False, seed: int | None = None, **settings: Any
) -> SmokeRun:
    config = type(ground.config).model_validate(
        {
            **ground.config.model_dump(),
            "objectives": [LOSS, KEPT],
            "noise": {"seed": {"kind": "argument", "name": "--seed"}},
            "smoke": {"enabled": True, "timeout": 20, **settings},
        }
    )
    runner = SmokeRunner(config, ground.site, ground.spawner, ground.state)
    tree = ground.tree({"train.py": source})
    return await runner.run(
        tree, Share(), name="t0-a1-smoke", run_seed=seed, stop=asyncio.Event(), background=background
    )


TRAIN = """
import json, os, pathlib, sys, time
print("arguments", sys.argv[1:], os.environ["PYTHONHASHSEED"])
for value in ("2.5", "nan", "1.25"):
    print(f"loss={value}")
pathlib.Path("out").mkdir()
pathlib.Path("out/result.json").write_text(json.dumps({"kept": 7}))
block, until = b"x" * (48 * 2**20), time.monotonic() + 0.5
while time.monotonic() < until:
    pass
sys.stderr.write("10%\\r50%\\r100% done\\n")
print(open("/sys/fs/cgroup/cpu/cpu.shares").read() if os.path.exists("/sys/fs/cgroup/cpu/cpu.shares") else
      open("/sys/fs/cgroup/cpu.weight").read())
"""


async def test_it_tells_everything_that_a_comparison_needs(ground):
    run = await smoke(ground, TRAIN, seed=11, arguments=["--max-steps", "3"], background=True)
    assert run.report.ending is Ending.FINISHED, run.report
    assert run.report.exit_code == 0
    assert run.lines[0] == "arguments ['--max-steps', '3', '--seed', '11'] 0"
    assert "100% done" in run.lines
    assert run.values["loss"][0] == 2.5 and math.isnan(run.values["loss"][1]) and run.values["loss"][2] == 1.25
    assert run.values["kept"] == (7.0,)
    assert run.files == {"out/result.json": b'{"kept": 7}'}
    assert 40 * 2**20 < (run.report.peak_memory_bytes or 0) < 120 * 2**20
    assert run.report.wall_s >= run.report.run_s > 0
    assert {"1", "2"} & set(run.lines), "it runs on spare processor time"


@pytest.mark.parametrize(
    ("source", "settings", "ending", "reason"),
    [
        ("print('loss=1', flush=True)\nwhile True: pass", {"timeout": 2}, Ending.FINISHED, ""),
        ("while True: pass", {"timeout": 2, "arguments": ["--steps=2"]}, Ending.TIMED_OUT, "smoke.timeout (2"),
        ("x = bytearray(2**30)\nx[::4096] = b'1' * (len(x) // 4096)", {}, Ending.OUT_OF_MEMORY, "train.memory"),
        ("import nowhere", {}, Ending.FAILED, "ModuleNotFoundError: No module named 'nowhere'"),
    ],
    ids=["cut at its limit", "must end", "memory", "crash"],
)
async def test_it_ends_as_a_trial_would(ground, source, settings, ending, reason):
    run = await smoke(ground, source, **settings)
    assert run.report.ending is ending, run.report
    assert reason in run.report.reason


async def test_a_cancelled_run_leaves_no_container(ground):
    running = asyncio.create_task(smoke(ground, "while True: pass", timeout=60))
    name = f"nightlab-{ground.study_id}-t0-a1-smoke"
    async with asyncio.timeout(30):
        while not await is_running(ground.engine, name):
            await asyncio.wait({running}, timeout=0.05)
            assert not running.done(), running
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await ground.engine.list(ground.study_id) == ()
    assert list((ground.state.study(ground.study_id) / "smoke").glob("*")) == []


async def is_running(engine: Engine, name: str) -> bool:
    container = await engine.find(name)
    return container is not None and (await engine.state(container)).is_running
