"""A container that is gone during the run: the kernel's doing at its memory limit, or the machine's loss."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.controller.study.rehearsal import config

from nightlab.controller.engine import Reading
from nightlab.controller.errors import SandboxLost
from nightlab.controller.model.trial import Ending, GateReport
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.trial.walk import TrialWalk


class GoneJob:
    """A job whose sandbox went away."""

    async def lines(self) -> Any:
        raise SandboxLost("silent for 5 s")
        yield ""

    async def exited(self) -> None:
        raise SandboxLost("silent for 5 s")


def walk(tmp_path: Path, oom_kills: int) -> Any:
    state = StateDir(tmp_path)
    walked = TrialWalk(config(), None, None, state, ())  # type: ignore[arg-type]
    meter = SimpleNamespace(stop=lambda: Reading(2**30, 0, 2**30, oom_kills, None, 1.0, 9))
    context = SimpleNamespace(
        live=SimpleNamespace(meter=meter, posture={"level": "standard"}),
        line=lambda _text: None,
        stop=asyncio.Event(),
        began=0.0,
        log=tmp_path / "output-1.log",
    )
    return walked._follow(context, GoneJob(), GateReport(), 0.0)


async def test_a_container_that_the_kernel_killed_as_a_whole_is_out_of_memory(tmp_path: Path) -> None:
    outcome = await walk(tmp_path, oom_kills=1)
    assert outcome.ending is Ending.OUT_OF_MEMORY
    assert "4.0 GiB" in outcome.reason
    assert outcome.usage.peak_memory_bytes == 2**30


async def test_a_container_that_somebody_took_away_is_lost(tmp_path: Path) -> None:
    with pytest.raises(SandboxLost, match="silent"):
        await walk(tmp_path, oom_kills=0)
