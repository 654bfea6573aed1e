"""A trial of several actions through everything that a study does with trials; the second action is a real plugin."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from pathlib import Path

import pytest
from rich.console import Console
from tests.controller.repo.conftest import AT, make_clone
from tests.controller.study import gate_parts
from tests.controller.study.gate_parts import SAME, TWISTED, ComputedExaminer, ComputedSmoker, Found, TwoFixes
from tests.controller.study.recipe_parts import MOMENTUM, ROOT, TUNE, flat, searched, settings, text_of, two_calls
from tests.controller.study.rehearsal import Literals, Rehearsal, failed

from nightlab.controller.errors import EngineError
from nightlab.controller.model.change import FixState
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import TrialOutcome
from nightlab.controller.repo.export import export_branch
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.report.tables import trial_show
from nightlab.controller.store import ProofKind, TrialRecord
from nightlab.controller.study.deliver import provenance_of, steps_of
from nightlab.controller.study.prover import Case
from nightlab.controller.study.runner import lost


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


async def spoilt(directory: Path) -> Rehearsal:
    gate = {"lint": {"fix": "all"}, "smoke": {"enabled": True}}
    return await two_calls(
        directory, spoilt_with_both, settings=settings("blocks/momentum", **gate), script=gate_parts.SCRIPT,
        maker=TwoFixes(), smoker=ComputedSmoker(), examiner=ComputedExaminer(blames_trials),
    )  # fmt: skip


def cut_off(night: Rehearsal) -> None:
    """End a night between the edit that takes a fix back and the trial's new tree."""
    write = night.scribe.update_trial

    def ends(number: int, **facts: object) -> TrialRecord:
        if "tree_digest" in facts:
            raise EngineError("the night ends here")
        return write(number, **facts)

    night.scribe.update_trial = ends


@pytest.mark.parametrize("is_cut_off", [False, True])
async def test_a_guilty_fix_is_taken_back_once_and_every_action_of_the_recipe_stays(
    tmp_path: Path, is_cut_off: bool
) -> None:
    night = await spoilt(tmp_path)
    if is_cut_off:
        cut_off(night)
        with pytest.raises(EngineError, match="the night ends here"):
            await night.run()
        night = await spoilt(tmp_path)
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


if __name__ == "__main__":
    die(sys.argv[1])
