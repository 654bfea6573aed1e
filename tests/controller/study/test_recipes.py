"""A trial of several actions through everything that a study does with trials; the second action is a real plugin."""

from __future__ import annotations

import asyncio
import io
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from tests.controller.repo.conftest import AT, make_clone
from tests.controller.study import gate_parts
from tests.controller.study.gate_parts import SAME, TWISTED, ComputedExaminer, ComputedSmoker, Found, TwoFixes
from tests.controller.study.rehearsal import Literals, Rehearsal, Score, config, failed, finished, rehearse

from nightlab.controller.model.change import FixState
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall, Role, TrialOutcome
from nightlab.controller.repo.export import export_branch
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.report.tables import trial_show
from nightlab.controller.search.policy import Candidate, Past, Proposal
from nightlab.controller.store import ProofKind, TrialRecord
from nightlab.controller.study.deliver import provenance_of, steps_of
from nightlab.controller.study.prover import Case
from nightlab.controller.study.runner import lost

BLOCKS = {"blocks": "blocks:PLUGIN"}
ROOT = Path(__file__).parents[3]
TUNE, MOMENTUM = "action:hyperparameter/hyperparameter", "action:blocks/momentum"


@dataclass(frozen=True)
class Step:
    """One proposal: an action with some arguments, on top of an earlier proposal counted from 0, or of the base."""

    action: str
    arguments: dict[str, object]
    on: int | None = None


@dataclass(frozen=True)
class Scripted:
    """A policy that proposes what it was told."""

    steps: Sequence[Step]

    def propose(self, candidates: Sequence[Candidate], history: Sequence[Past], number: int) -> Proposal | None:
        made = [past.number for past in history if past.call is not None]
        if len(made) >= len(self.steps):
            return None
        step = self.steps[len(made)]
        chosen = next(each for each in candidates if "/".join(each.name) == step.action)
        arguments = {**chosen.defaults, **step.arguments}
        call = ActionCall(chosen.plugin, chosen.action, arguments, chosen.schema_digest)
        return Proposal(call, "as told", 0 if step.on is None else made[step.on])


TWO = (
    Step("blocks/momentum", {"share": 0.9}),
    Step("hyperparameter/hyperparameter", {"train.py:LEARNING_RATE": 2e-3}, on=0),
)


def settings(*actions: str, trials: int = 2, **tables: object):
    search = {"actions": ["hyperparameter", *actions]}
    return config(budget={"trials": trials}, search=search, noise={**SEEDED, "repeats": 2}, **tables)


SEEDED = {"seed": {"kind": "argument", "name": "--seed", "base": 1}, "confirm": 2}


def flat(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that nothing helps; every seed has its own noise."""
    harm = 0.1 * (literals["LEARNING_RATE"] != 1e-3) + 0.1 * ("MOMENTUM" in literals)
    return finished(1.0 + (seed or 0) / 1000 + harm)


async def two_calls(directory: Path, score: Score = flat, **facts: object) -> Rehearsal:
    given = {"policy": Scripted(TWO), "plugins": BLOCKS, **facts}
    chosen = given.pop("settings", None) or settings("blocks/momentum")
    return await rehearse(directory, chosen, score, **given)


def searched(night: Rehearsal) -> list[TrialRecord]:
    return [trial for trial in night.trials if trial.role is Role.SEARCH]


def text_of(night: Rehearsal, digest: str | None) -> str:
    tree = night.scribe.store.tree(digest or "")
    return night.runner.blobs.read(tree.by_path["train.py"].sha256, 1 << 20).decode()


async def test_a_trial_of_two_actions_shows_both_and_is_exported_as_two_commits(tmp_path: Path) -> None:
    night = await two_calls(tmp_path)
    await night.night.run()
    second = searched(night)[1]
    edits = night.scribe.store.edits("r", second.number)
    view = night.views.study("r")
    trial = view.trial(second.number)
    assert trial is not None
    out = io.StringIO()
    Console(file=out, width=140).print(trial_show(view, trial))
    clone = make_clone(tmp_path / "clone")
    clone.write("train.py", (tmp_path / "repo" / "train.py").read_text())
    clone.commit()
    base = snapshot(clone.root, night.runner.blobs)
    made = export_branch(
        clone.root, base, steps_of(night.scribe.store, view, trial), night.runner.blobs,
        provenance=provenance_of(view, trial), branch="nightlab/r", at=AT,
    )  # fmt: skip
    ran = text_of(night, second.run_digest)
    await night.close()
    assert second.parent == trial.parent == 2
    assert [edit.author for edit in edits] == [TUNE, MOMENTUM]
    assert "LEARNING_RATE = 2e-3" in ran and "MOMENTUM = 0.9" in ran
    assert [action.name for action in trial.actions] == [author.removeprefix("action:") for author in (TUNE, MOMENTUM)]
    assert "+LEARNING_RATE = 2e-3" in trial.diff and "+MOMENTUM = 0.9" in trial.diff
    assert "LEARNING_RATE" in out.getvalue() and "blocks/momentum" in out.getvalue()
    assert f"on top of trial {second.parent}" in second.summary
    subjects = clone.git("log", "--format=%s", "-2", "nightlab/r").splitlines()
    assert len(made.commits) == 2
    assert "blocks/momentum: share" in subjects[0] and "hyperparameter/hyperparameter: LEARNING_RATE" in subjects[1]
    assert clone.git("show", "nightlab/r:train.py").strip() == ran.strip()


# A fix that spoils a recipe


def blames_trials(case: Case) -> Found:
    """Let the fix through, then find it guilty of what a trial with momentum does."""
    if case.record.kind is ProofKind.TRIAL:
        return Found(True, (TWISTED,), "loss 0.5 -> nan at line 4")
    return Found(False, evidence="no difference seen in 40 lines of 3 runs")


def spoilt_with_both(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that the second fix breaks where there is momentum and another learning rate."""
    if literals["MODE"] == 2 and "MOMENTUM" in literals and literals["LEARNING_RATE"] != 1e-3:
        return failed(reason="exit code 1: ValueError: mode 2")
    return flat(literals, seed, number)


async def test_a_guilty_fix_is_taken_back_and_every_action_of_the_recipe_stays(tmp_path: Path) -> None:
    gate = {"lint": {"fix": "all"}, "smoke": {"enabled": True}}
    night = await two_calls(
        tmp_path, spoilt_with_both, settings=settings("blocks/momentum", **gate), script=gate_parts.SCRIPT,
        maker=TwoFixes(), smoker=ComputedSmoker(), examiner=ComputedExaminer(blames_trials),
    )  # fmt: skip
    await night.night.run()
    second = searched(night)[1]
    attempts = night.scribe.store.attempts("r", second.number)
    authors = [edit.author for edit in night.scribe.store.edits("r", second.number)]
    ran, quarantined = text_of(night, second.run_digest), night.scribe.store.quarantined()
    diff = night.views.study("r").trial(second.number).diff
    await night.close()
    assert [attempt.exit_code for attempt in attempts] == [1, 0]
    assert [each.author for each in quarantined] == [TWISTED]
    assert authors == [TUNE, MOMENTUM, SAME, TWISTED, "nightlab"]
    assert "MODE = 1" in ran and "STYLE = 10" in ran and "LEARNING_RATE = 2e-3" in ran and "MOMENTUM = 0.9" in ran
    assert "+MOMENTUM = 0.9" in diff and "MODE = 2" not in diff
    assert {fix.author: fix.state for fix in second.fixes}[TWISTED] is FixState.HELD_BACK
    assert second.verdict is Verdict.DISCARD


# Killed in the middle

KILLED_AT = ("running", "committing")


def die(at: str) -> None:
    """Run a night of two calls in this process and have it killed in its second trial."""

    async def begin(directory: Path) -> None:
        night = await two_calls(directory, dies if at == "running" else flat)
        if at == "committing":
            commit, seen = night.night._agenda._proposer._editor.commit, []

            def dies_at_the_second(*arguments: object, **facts: object) -> str:
                seen.append(facts["author"])
                if seen[-2:] == [TUNE, MOMENTUM]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return commit(*arguments, **facts)

            night.night._agenda._proposer._editor.commit = dies_at_the_second
        await night.run()

    asyncio.run(begin(Path(sys.argv[2])))


def dies(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that takes the controller with it where it has both calls."""
    if "MOMENTUM" in literals and literals["LEARNING_RATE"] != 1e-3:
        os.kill(os.getpid(), signal.SIGKILL)
    return flat(literals, seed, number)


@pytest.mark.parametrize("at", KILLED_AT)
async def test_a_kill_in_the_middle_of_a_recipe_changes_nothing_of_the_night(tmp_path: Path, at: str) -> None:
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-m", "tests.controller.study.test_recipes", at, str(tmp_path / "killed")]
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await child.wait() == -signal.SIGKILL
    nights = []
    for name in ("killed", "whole"):
        night = await two_calls(tmp_path / name)
        for attempt in night.scribe.store.attempts("r"):
            if attempt.ended_unix_ms is None:
                night.scribe.end_attempt(attempt, lost("the controller ended while it ran", attempt.log_path))
        await night.night.run()
        store = night.scribe.store
        edits = [[(e.author, e.tree_digest) for e in store.edits("r", t.number)] for t in night.trials]
        nights.append(([(t.call, t.parent, t.verdict, t.tree_digest) for t in night.trials], edits))
        await night.close()
    assert nights[0] == nights[1]
    assert [author for author, _ in nights[0][1][-1]] == [TUNE, MOMENTUM]


# What does not fit


def worth(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that momentum helps a lot and all else a little or not."""
    rate = (literals["LEARNING_RATE"] / 1e-3 - 1) ** 2 / 100
    gain = 0.3 * ("MOMENTUM" in literals) - 0.01 * ("WARMUP" in literals) - 0.01 * ("DECAY" in literals)
    noise = random.Random(f"{seed}/{sorted(literals.items())}").gauss(0, 0.002)
    return finished(1.0 + rate - gain + noise)


def of(night: Rehearsal, action: str) -> list[TrialRecord]:
    return [t for t in searched(night) if t.call is not None and f"{t.call.plugin}/{t.call.action}" == action]


async def test_what_does_not_fit_on_a_recipe_is_tried_on_the_base_and_costs_no_container(
    tmp_path: Path,
) -> None:
    chosen = settings("blocks/momentum", "blocks/picky", trials=14)
    night = await rehearse(tmp_path, chosen, worth, plugins=BLOCKS)
    await night.night.run()
    kept = [t for t in searched(night) if t.verdict is Verdict.KEEP]
    picky = of(night, "blocks/picky")
    rejected = [t for t in picky if t.verdict is Verdict.REJECTED]
    ran = set(night.runner.ran)
    view = night.views.study("r")
    counted = [t for t in searched(night) if t.tree_digest]
    await night.close()
    assert any(t.call.action == "momentum" for t in kept)
    assert rejected
    assert not {t.number for t in rejected} & ran
    per_ground = Counter(t.parent for t in rejected)
    assert max(per_ground.values()) <= 2
    assert len([t for t in picky if t.parent == 0 and t.number > rejected[0].number]) >= 1
    assert len(counted) >= 14
    tally = next(t for t in view.tallies if t.action == "picky")
    assert (tally.trials, tally.outcomes["rejected"]) == (len(picky), len(rejected))
    assert tally.kept == 0 and tally.best_gain is None
    won = view.tallies[0]
    assert won.name == "blocks/momentum" and won.kept and won.best_gain == pytest.approx(0.3, abs=0.02)
    assert won.gain_per_container_min == pytest.approx(60 * won.gain / won.container_s)


async def test_a_plugin_that_breaks_on_a_recipe_is_left_out_and_the_night_goes_on(tmp_path: Path) -> None:
    chosen = settings("blocks/momentum", "blocks/fragile", trials=24)
    night = await rehearse(tmp_path, chosen, worth, plugins=BLOCKS)
    await night.night.run()
    fragile = of(night, "blocks/fragile")
    broken = [t for t in fragile if t.verdict is Verdict.REJECTED]
    stopped = dict(night.actions.stopped)
    events = [event.text for event in night.scribe.store.events("r") if event.kind == "plugin"]
    view, last = night.views.study("r"), searched(night)[-1]
    ran = set(night.runner.ran)
    await night.close()
    assert broken and not {t.number for t in broken} & ran
    assert len(broken) <= 3
    assert [t for t in fragile if t.parent == 0 and t.tree_digest]
    assert sum(bool(t.tree_digest) for t in view.by_role(Role.SEARCH)) >= 24
    if stopped:
        assert "broke 3 times" in stopped["blocks"]
        assert last.call.plugin == "hyperparameter"
        assert any("plugin blocks is left out" in text for text in events)
        assert next(p for p in view.plugins if p.name == "blocks").stopped


async def test_an_action_that_takes_the_seed_away_is_rejected_and_ends_no_night(tmp_path: Path) -> None:
    seeded = {"kind": "literal", "name": "train.py:--seed", "base": 1}
    steps = [Step("blocks/unseeding", {}), Step("blocks/momentum", {"share": 0.5})]
    chosen = config(
        budget={"trials": 2}, search={"actions": ["hyperparameter", "blocks"]}, noise={"seed": seeded, "repeats": 2}
    )
    night = await rehearse(tmp_path, chosen, flat, plugins=BLOCKS, policy=Scripted(steps))
    await night.night.run()
    first, second = searched(night)
    await night.close()
    assert first.verdict is Verdict.REJECTED and "noise.seed.name" in first.reason
    assert second.verdict is Verdict.DISCARD


if __name__ == "__main__":
    die(sys.argv[1])
