"""A night with a gate on a real engine: a fix that everybody thinks harmless, and a smoke run that saves a training.

The repo compares with `== None`. ruff's fix of that (E711) shows no difference on the base tree, so it is let through.
On every other learning rate the compared object has an `__eq__` of its own, and the run fails, long after the few steps
that a smoke run takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import Study

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TRAIN = """\
import argparse
import time

LEARNING_RATE = 0.01
WIDTH = 8


class Blank:
    def __eq__(self, other):
        return other is None

    def __hash__(self):
        return 0


def is_open(gate):
    return gate == None


parser = argparse.ArgumentParser()
parser.add_argument('--seed', type=int, default=1)
parser.add_argument('--steps', type=int, default=20)
options = parser.parse_args()
if 64 % WIDTH:
    raise ValueError(f"width {WIDTH} does not divide 64")
gate = None if LEARNING_RATE == 0.01 else Blank()
weight = options.seed / 1000
for step in range(options.steps):
    weight -= LEARNING_RATE * 2 * (weight - 3)
    print(f"step {step} weight {weight}", flush=True)
    time.sleep(0.05)
    if step == 15 and not is_open(gate):
        raise RuntimeError("the gate is shut")
print(f"loss: {(weight - 3) ** 2}")
"""
CONFIG = """
[image]
name = "IMAGE"
workspace = "/app"
[train]
command = "python3 train.py"
timeout = "60s"
memory = "128m"
shm = "16m"
tmp = "16m"
workspace_size = "16m"
[[objectives]]
name = "loss"
measure = { source = "regex", pattern = '^loss: (\\S+)$' }
[noise]
seed = { kind = "argument", name = "--seed", base = 1 }
repeats = 2
confirm = 0
[search]
parallel = 1
TUNABLE
[lint]
FIXES
[smoke]
enabled = true
arguments = ["--steps", "4"]
timeout = "20s"
[budget]
trials = TRIALS
"""
TUNABLE = """
[search.tunable."train.py:LEARNING_RATE"]
low = 0.005
high = 0.3
[search.tunable."train.py:WIDTH"]
choices = [CHOICES]
"""
WANTED = 'fix = "all"\nformat = true\nselect = ["E711"]'


@pytest.fixture
def night(image: str, study_in: Callable[[Path], Study], tmp_path: Path) -> Callable[..., Study]:
    """Make the repo with some fixes wanted and some widths to try."""

    def make(fixes: str, choices: str, trials: int) -> Study:
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "train.py").write_text(TRAIN)
        text = CONFIG.replace("IMAGE", image).replace("FIXES", fixes).replace("TRIALS", str(trials))
        (repo / "nightlab.toml").write_text(text.replace("TUNABLE", TUNABLE.replace("CHOICES", choices)))
        return study_in(repo)

    return make


def test_a_smoke_run_ends_a_broken_trial_before_its_training(night: Callable[..., Study]) -> None:
    study = night("", "8, 7, 9, 11", 3)
    study.runs()
    study.check_is_over()
    trials = study.rows("select number, verdict, reason from trial where role = 'search'")
    crashed = [row for row in trials if row["verdict"] == "crash"]
    assert crashed, trials
    assert all(row["reason"].startswith("smoke run: exit code 1: ValueError: width") for row in crashed)
    numbers = ", ".join(str(row["number"]) for row in crashed)
    attempts = study.rows(f"select launched_unix_ms, gate from attempt where number in ({numbers})")
    assert {row["launched_unix_ms"] for row in attempts} == {None}
    assert all("ValueError" in "\n".join(json.loads(row["gate"])["smoke"]["tail"]) for row in attempts)
    spent = {row["category"]: row["seconds"] for row in study.asks("status")["ledger"]}
    assert spent["smoke"] > 0
    assert spent["crash"] == 0


def test_a_kill_during_a_smoke_run_costs_the_smoke_run_alone(night: Callable[..., Study]) -> None:
    study = night("", "8", 1)
    with study.event("start", "-t0-a1-smoke") as wait:
        controller = study.start()
        wait()
        controller.kill()
    study.runs("--resume")
    study.check_is_over()
    assert study.attempts(0) == ["lost", "finished"]
    gate = json.loads(study.rows("select gate from attempt where number = 0 and attempt = 2")[0]["gate"])
    assert gate["smoke"]["ending"] == "finished"


def test_a_kill_during_a_proof_begins_it_again(night: Callable[..., Study]) -> None:
    study = night(WANTED, "8", 1)
    with study.event("start", "-proof0-r1") as wait:
        controller = study.start()
        wait()
        controller.kill()
    study.runs("--resume")
    study.check_is_over()
    proofs = study.rows("select number, state, differs, evidence from proof where kind = 'fix'")
    assert [(row["number"], row["state"], row["differs"]) for row in proofs] == [(0, "settled", 0)]


def test_a_harmful_fix_is_caught_quarantined_and_its_trial_runs_again(night: Callable[..., Study]) -> None:
    study = night(WANTED, "8, 16", 6)
    controller = study.start()
    assert controller.ends(240) == 0, "\n".join(controller.said)
    study.check_is_over()
    quarantined = study.rows("select author, trial, evidence, hunks, lost_s from quarantine")
    assert [row["author"] for row in quarantined] == ["ruff:E711"]
    assert "gate is None" in quarantined[0]["hunks"]
    assert quarantined[0]["lost_s"] > 0
    trials = study.rows("select number, verdict, reason from trial where role = 'search'")
    assert "crash" not in {row["verdict"] for row in trials}, trials
    caught = quarantined[0]["trial"]
    attempts = study.rows(f"select ending, reason, gate from attempt where number = {caught} order by attempt")
    assert [row["ending"] for row in attempts] == ["failed", "finished"]
    assert "the gate is shut" in attempts[0]["reason"]
    states = [{fix["author"]: fix["state"] for fix in json.loads(row["gate"])["fixes"]} for row in attempts]
    assert [state["ruff:E711"] for state in states] == ["let through", "held back"]
    assert {state["formatter:ruff format"] for state in states} == {"applied"}
    authors = [row["author"] for row in study.rows(f"select author from edit where number = {caught} order by ordinal")]
    assert authors[0].startswith("action:")
    assert set(authors[1:-1]) == {"formatter:ruff format", "ruff:E711"}
    assert authors[-1] == "nightlab"
    proofs = study.rows("select kind, differs, guilty, evidence from proof order by number")
    assert (proofs[0]["kind"], proofs[0]["differs"]) == ("fix", 0)
    assert "no difference seen" in proofs[0]["evidence"]
    blamed = [row for row in proofs if row["kind"] == "trial" and row["differs"]]
    assert json.loads(blamed[0]["guilty"]) == ["ruff:E711"]
    notes = study.asks("status")["notes"]
    assert any("caught, reverted and quarantined for this repo" in note for note in notes)
