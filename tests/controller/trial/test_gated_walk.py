"""The gate in whole walks: what was not proposed never runs. No engine, so that each promise has a fast test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.controller.trial.bare import BareGround

from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending
from nightlab.controller.trial.seal import Sealer

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="other uids are needed")
FILES = {"train.sh": "cat train.py", "train.py": "SCALAR_LR = 0.5\n"}
FLIPPED = "SCALAR_LR = 0.3\n"
WAITING = "echo ready; while ! [ -e go ]; do :; done; cat train.py"


def flip(workspace: Path) -> None:
    (workspace / "train.py").write_text(FLIPPED)


async def test_what_was_proposed_is_launched_and_both_digests_are_kept(ground: BareGround) -> None:
    tree = ground.tree(FILES)
    outcome = await ground.walk(tree)
    assert (outcome.ending, ground.output(outcome)) == (Ending.FINISHED, "SCALAR_LR = 0.5\n")
    assert outcome.gate.digest_inside == outcome.gate.digest_outside == tree.digest
    assert outcome.gate.drifts == ()


async def test_a_write_after_the_seal_is_rolled_back_and_named(ground: BareGround) -> None:
    meddlers = [flip]
    outcome = await ground.walk(ground.tree(FILES), meddle=lambda root: meddlers.pop()(root) if meddlers else None)
    assert (outcome.ending, ground.output(outcome)) == (Ending.FINISHED, "SCALAR_LR = 0.5\n")
    (drift,) = outcome.gate.drifts
    assert (drift.where, drift.is_rolled_back) == (Where.SEALED, True)
    assert "`SCALAR_LR` 0.5 -> 0.3, train.py:1" in drift.explanation.headline


async def test_nothing_is_launched_where_somebody_writes_after_every_seal(ground: BareGround) -> None:
    seals: list[Path] = []
    outcome = await ground.walk(ground.tree(FILES), meddle=lambda root: (seals.append(root), flip(root))[0])
    assert (outcome.ending, outcome.gate.drift) == (Ending.NOT_AS_SEALED, ("train.py",))
    assert ground.output(outcome) == ""
    assert len(seals) == 4  # once to begin with, and three times to put it back
    assert not outcome.gate.drifts[-1].is_rolled_back


async def test_a_new_finding_of_the_blocking_set_is_not_launched_whatever_its_noqa_says(ground: BareGround) -> None:
    broken = {**FILES, "train.py": "SCALAR_LR = 0.5\nprint(SCALAR_LB)  # noqa\n"}
    outcome = await ground.walk(ground.tree(broken), base=ground.tree(FILES))
    assert (outcome.ending, ground.output(outcome)) == (Ending.GATE_REJECTED, "")
    assert [(finding.code, finding.line) for finding in outcome.gate.blocking] == [("F821", 2)]


async def test_a_run_whose_sealed_file_was_changed_has_no_result(ground: BareGround) -> None:
    def line(text: str) -> None:
        if text == "ready":
            flip(ground.link.workspace)
            (ground.link.workspace / "go").touch()

    outcome = await ground.walk(ground.tree({**FILES, "train.sh": WAITING}), line=line)
    assert (outcome.ending, outcome.gate.drift) == (Ending.NOT_AS_SEALED, ("train.py",))
    assert "`SCALAR_LR` 0.5 -> 0.3" in outcome.reason


async def test_a_run_that_hides_a_module_from_what_runs_has_no_result(ground: BareGround) -> None:
    outcome = await ground.walk(ground.tree({**FILES, "train.sh": "echo > json.py"}))
    assert (outcome.ending, outcome.gate.shadowing) == (Ending.NOT_AS_SEALED, ("json.py",))


async def test_a_run_that_is_taken_over_tells_whether_what_lies_inside_is_still_the_seal(ground: BareGround) -> None:
    tree = ground.tree(FILES)
    async with ground.live() as live:
        sealer = Sealer(live.site, ground.blobs, ground.explainer, ground.state.root / "passing")
        await live.seal(tree)
        assert await sealer.digest_inside(live, tree) == tree.digest
        flip(ground.link.workspace)
        assert await sealer.digest_inside(live, tree) == ""


async def test_ruff_reads_for_the_python_that_the_repo_asks_for_where_no_interpreter_tells(ground: BareGround) -> None:
    outcome = await ground.walk(ground.tree({**FILES, "setup.cfg": "[options]\npython_requires = >=3.9\n"}))
    assert (outcome.gate.target_version, outcome.gate.target_source) == ("py39", "requires-python")
