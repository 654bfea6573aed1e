"""A proof in real containers, with the worker that makes known tools' changes again: from a difference to its rule."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.acceptance.test_smoke_runs import LOSS

from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.model.change import Writer
from nightlab.controller.model.site import Share
from nightlab.controller.proof.culprit import Case, find_culprit
from nightlab.controller.proof.hunks import Files
from nightlab.controller.proof.observation import Observation
from nightlab.controller.proof.paired import paired
from nightlab.controller.trial.smoke import SmokeRunner

pytestmark = pytest.mark.docker
BEFORE = b"""import tempfile
import time

words = list(["b", "a"])
losses = [float("nan"), 2.0, 1.0]
best = 9.0
if words == None:
    raise SystemExit(3)
print("began", time.time(), tempfile.mkdtemp())
for value in losses:
    if best >= value:
        best = value
    print(f"loss={best}")
"""
TIDY = BEFORE.replace(b"words == None", b"words is None").replace(b'list(["b", "a"])', b'["b", "a"]')
WORSE = TIDY.replace(b"    if best >= value:\n        best = value\n", b"    best = min(value, best)\n")
RUFF = Writer("ruff check", ("train.py",), ("C410", "E711", "PLR1730"), "unsafe")


class Containers:
    """Runs each variant in a container of its own, on spare processor time."""

    def __init__(self, ground: Any) -> None:
        smoke = {"enabled": True, "timeout": 20}
        settings = {**ground.config.model_dump(), "objectives": [LOSS], "smoke": smoke}
        config = type(ground.config).model_validate(settings)
        self._ground = ground
        self._runner = SmokeRunner(config, ground.site, ground.spawner, ground.state)
        self.runs = 0

    async def observe(self, files: Files) -> Observation:
        self.runs += 1
        tree = self._ground.tree({path: content.decode() for path, content in files.items()})
        name = f"proof0-r{self.runs}"
        run = await self._runner.run(tree, Share(), name=name, run_seed=None, stop=asyncio.Event(), background=True)
        return Observation.of(run.report, run.lines, run.values, run.files)


async def test_a_harmful_fix_is_proven_and_named_among_harmless_ones(ground):
    containers = Containers(ground)
    case = Case({"train.py": BEFORE}, {"train.py": WORSE}, (RUFF,), ("train.py",), ground.site.python)
    async with Explainer() as explainer:
        proof = await find_culprit(case, containers.observe, explainer)
    assert proof.differs is True
    assert proof.guilty == ("ruff:PLR1730",)
    assert "+    best = min(value, best)" in proof.hunks
    assert "is None" not in proof.hunks
    assert proof.evidence == "loss 9.0 -> nan at value 1 of 3"
    assert proof.runs == containers.runs <= 7


async def test_harmless_fixes_show_no_difference(ground):
    found = await paired(Containers(ground).observe, {"train.py": BEFORE}, {"train.py": TIDY})
    assert found.differs is False
    assert found.evidence == "no difference seen in 4 lines of 3 runs"


async def test_a_proof_that_is_cancelled_leaves_no_container(ground):
    begun = asyncio.Event()

    class Watched(Containers):
        async def observe(self, files: Files) -> Observation:
            begun.set()
            return await Containers.observe(self, files)

    endless = BEFORE + b"while True:\n    pass\n"
    search = asyncio.create_task(paired(Watched(ground).observe, {"train.py": endless}, {"train.py": WORSE}))
    await begun.wait()
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    assert await ground.engine.list(ground.study_id) == ()
