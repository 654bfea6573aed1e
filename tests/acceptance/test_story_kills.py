"""A controller that is killed at any line of a night with drifts, fixes and proofs ends it as if nothing had happened.

The undisturbed night comes first: a fix that nobody could have suspected is let through, spoils a training after step
50, and is caught. Each killed and resumed one must come to the same rows.
"""

from __future__ import annotations

import html
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
from tests.acceptance.conftest import Study
from tests.acceptance.story import write_harmed_repo

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
KILLED = -9
# One of each kind; `python -m tests.acceptance.dying` knows more.
TOLD = ("put back", "guilty", "quarantine", "relaunch")


def controller(repo: Path, point: str = "") -> int:
    """Run the study in a process of its own and return how that ended."""
    command = [sys.executable, "-m", "tests.acceptance.dying", str(repo), point]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode in (0, KILLED), done.stderr[-4000:]
    return done.returncode


def ledger(study: Study) -> dict[str, Any]:
    """Return what a night came to, without its clock and without what the machine lost."""
    attempts = []
    for row in study.rows("select number, ending, gate from attempt where ending != 'lost' order by number, attempt"):
        gate = json.loads(row["gate"])
        fixes = sorted((fix["author"], fix["state"]) for fix in gate["fixes"])
        attempts.append((row["number"], row["ending"], gate["digest_inside"], fixes))
    # Who is blamed counts, not by which proof: of two trials with one fix, the first to be proven closes the other.
    proofs = "select distinct kind, guilty from proof where guilty not in ('[]', '[\"unknown\"]')"
    return {
        "trials": study.rows("select number, role, verdict, tree_digest, run_digest from trial order by number"),
        "attempts": attempts,
        "edits": study.rows("select number, ordinal, author, tree_digest from edit order by number, ordinal"),
        "proofs": sorted(map(str, study.rows(proofs))),
        "quarantine": study.rows("select author, trial, hunks from quarantine"),
        "approvals": study.rows("select author, path, digest from approval order by author, digest"),
    }


def check_nothing_false_ran(study: Study) -> None:
    """Every run had the right literal, and every last one ran the tree that its trial names."""
    logs = [path.read_text() for path in study.state.root.rglob("output-*.log")]
    assert logs
    assert {text.splitlines()[0] for text in logs if text} == {"lr: 0.5"}
    trees = {row["number"]: row["run_digest"] for row in study.rows("select number, run_digest from trial")}
    last = {row["number"]: row["gate"] for row in study.rows("select number, gate from attempt order by attempt")}
    assert {number: json.loads(gate)["digest_inside"] for number, gate in last.items()} == trees


@pytest.fixture(scope="module")
def undisturbed(image: str, client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Study:
    repo = tmp_path_factory.mktemp("undisturbed") / "repo"
    write_harmed_repo(repo, image, trials=2)
    study = Study(repo, client)
    assert controller(repo) == 0
    study.check_is_over()
    return study


def test_a_fix_that_harms_after_the_smoke_runs_end_is_caught_and_the_report_says_what_it_cost(
    undisturbed: Study,
) -> None:
    check_nothing_false_ran(undisturbed)
    [caught] = undisturbed.rows("select author, trial, hunks, lost_s from quarantine")
    assert caught["author"] == "ruff:PLR1730"
    assert "min(" in caught["hunks"]
    assert caught["lost_s"] > 0
    assert undisturbed.attempts(caught["trial"]) == ["finished", "finished"]
    verdicts = {row["verdict"] for row in undisturbed.rows("select verdict from trial where role = 'search'")}
    assert verdicts <= {"keep", "discard"}
    undisturbed.asks("report")
    reports = undisturbed.state.study(undisturbed.id)
    for text in ((reports / "report.md").read_text(), html.unescape((reports / "report.html").read_text())):
        assert "ruff:PLR1730" in text
        assert "quarantined" in text
        assert "lost" in text
        assert "`if best >= loss: best = loss` became `best = min(loss, best)`" in text


@pytest.mark.parametrize("point", TOLD)
def test_a_killed_night_comes_to_the_same_ledger(
    image: str, study_in: Callable[[Path], Study], tmp_path: Path, undisturbed: Study, point: str
) -> None:
    repo = tmp_path / "repo"
    write_harmed_repo(repo, image, trials=2)
    study = study_in(repo)
    assert controller(repo, point) == KILLED
    assert controller(repo, "resume") == 0
    study.check_is_over()
    check_nothing_false_ran(study)
    assert study.rows("select trial from proof where state in ('open', 'proven')") == []
    assert ledger(study) == ledger(undisturbed)
