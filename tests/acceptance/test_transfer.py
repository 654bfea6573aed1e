"""What lies in the host's store is checked when it is used, and restored from the history if it was changed."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from nightlab.controller.errors import StoreError
from nightlab.controller.model.change import Where
from nightlab.controller.model.trial import Ending
from nightlab.controller.repo.history import History

pytestmark = pytest.mark.docker
TRAIN = "SCALAR_LR = 0.5\nprint(SCALAR_LR)\n"


def blob(ground, tree, path):
    sha256 = tree.by_path[path].sha256
    return ground.state.blobs / sha256[:2] / sha256[2:]


def commit(ground, tree):
    history = History(ground.state.history, ground.blobs)
    history.commit(tree, parent=None, author="base", message="as it was", at=datetime.now(UTC))


async def test_a_content_that_was_changed_between_commit_and_transfer_is_restored_and_told(ground):
    tree = ground.tree({"train.py": TRAIN, "lib.py": "VALUE = 1\n"})
    commit(ground, tree)
    blob(ground, tree, "train.py").write_text(TRAIN.replace("0.5", "0.3"))
    outcome = await ground.walk(tree)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.5")
    (drift,) = outcome.gate.drifts
    assert (drift.where, drift.is_rolled_back) == (Where.TRANSFER, True)
    assert drift.explanation.headline == "`SCALAR_LR` 0.5 -> 0.3, train.py:1"
    assert blob(ground, tree, "train.py").read_text() == TRAIN
    assert (await ground.walk(tree)).gate.drifts == ()


@pytest.mark.parametrize("harm", ["truncated", "removed"])
async def test_a_content_that_was_cut_or_removed_is_restored(ground, harm):
    tree = ground.tree({"train.py": TRAIN})
    commit(ground, tree)
    path = blob(ground, tree, "train.py")
    path.unlink() if harm == "removed" else os.truncate(path, 5)
    outcome = await ground.walk(tree)
    assert (outcome.ending, ground.output(outcome).strip()) == (Ending.FINISHED, "0.5")
    assert [drift.where for drift in outcome.gate.drifts] == [Where.TRANSFER]


async def test_what_cannot_be_had_again_is_named_and_nothing_runs(ground):
    tree = ground.tree({"train.py": TRAIN})
    blob(ground, tree, "train.py").write_text(TRAIN.replace("0.5", "0.3"))
    with pytest.raises(StoreError, match=r"train\.py") as error:
        await ground.walk(tree)
    assert "start a new study" in error.value.hint
