"""A plugin that learns is told how its trials ended, at least once each and across kills; that hurts no trial."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.controller.study.recipe_parts import ROOT, Scripted, Step, searched, settings
from tests.controller.study.rehearsal import Literals, Rehearsal, failed, finished, rehearse

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import TrialOutcome

LEARNER = {"blocks": "blocks:LEARNER"}
STEPS = (
    Step("blocks/learned", {"share": 0.9}),
    Step("hyperparameter/hyperparameter", {"train.py:LEARNING_RATE": 2e-3}, on=0),
    Step("blocks/learned", {"share": 0.5}, on=1),
    Step("blocks/learned", {"share": 0.2}),
)


def shares(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that gets worse with momentum and with another rate, and fails with little momentum."""
    if literals.get("MOMENTUM") == 0.2:
        return failed()
    harm = literals.get("MOMENTUM", 0.0) / 10 + (literals["LEARNING_RATE"] - 1e-3)
    return finished(1.0 + (seed or 0) / 1e6 + harm)


async def learning(directory: Path, plugins: dict[str, str] | None = None) -> Rehearsal:
    chosen = settings("blocks", trials=4)
    return await rehearse(directory, chosen, shares, policy=Scripted(STEPS), plugins=plugins or LEARNER)


def state_of(night: Rehearsal) -> dict[str, list[object]]:
    (record,) = (each for each in night.scribe.store.plugins("r") if each.plugin == "blocks")
    return json.loads(record.state)


async def test_every_trial_of_a_plugin_is_told_once_with_its_gain_against_its_parent(tmp_path: Path) -> None:
    night = await learning(tmp_path)
    await night.night.run()
    known, trials = state_of(night), searched(night)
    await night.close()
    again = await learning(tmp_path)
    await again.night.run()
    kept = state_of(again)
    await again.close()
    assert known == {
        "r/2": [1, "succeeded", pytest.approx(-0.09, abs=1e-3)],
        "r/4": [1, "succeeded", pytest.approx(0.04, abs=1e-3)],
        "r/5": [1, "failed", 0.0],
    }
    assert [t.summary.partition(";")[0] for t in trials if t.call.plugin == "blocks"] == [
        "knows 0",
        "knows 1",
        "knows 2",
    ]
    assert kept == known


def die(directory: str) -> None:
    """Run a night in this process and have it killed after a plugin was told and before that is stored."""

    async def begin() -> None:
        night = await learning(Path(directory))
        night.scribe.store.keep_plugin_state = lambda *_facts: os.kill(os.getpid(), signal.SIGKILL)
        await night.run()

    asyncio.run(begin())


async def test_what_was_told_before_a_kill_and_not_stored_is_told_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.controller.study.test_learning", str(tmp_path)]
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await child.wait() == -signal.SIGKILL
    night = await learning(tmp_path)
    assert [t.verdict for t in searched(night)] == [Verdict.DISCARD]
    await night.night.run()
    known = state_of(night)
    await night.close()
    assert {number: times for number, (times, *_rest) in known.items()} == {"r/2": 1, "r/4": 1, "r/5": 1}


async def test_a_plugin_that_dies_of_being_told_hurts_no_trial_and_is_left_out(tmp_path: Path) -> None:
    chosen, plugins = settings("blocks", trials=10), {"blocks": "blocks:FORGETFUL"}
    steps = [Step("blocks/momentum", {"share": share / 10}) for share in (3, 4, 5)]
    steps += [Step("hyperparameter/hyperparameter", {"train.py:LEARNING_RATE": rate}) for rate in (2e-3, 3e-3)]
    night = await rehearse(tmp_path, chosen, shares, policy=Scripted(steps), plugins=plugins)
    await night.night.run()
    verdicts, stopped = [t.verdict for t in searched(night)], dict(night.actions.stopped)
    told = [each.told for each in night.scribe.store.plugins("r") if each.plugin == "blocks"]
    await night.close()
    assert verdicts == [Verdict.DISCARD] * 5
    assert "broke 3 times" in stopped["blocks"]
    assert told == [()]


if __name__ == "__main__":
    die(sys.argv[1])
