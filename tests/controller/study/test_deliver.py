"""The command that export names really brings the gain into the clone."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.controller.repo.conftest import AT, Clone, make_clone

from nightlab.controller.model.tree import Entry
from nightlab.controller.repo import BlobStore, ExportStep, Provenance, export_branch, snapshot
from nightlab.controller.study.deliver import how_to_take_over


@pytest.mark.parametrize("is_dirty", [False, True])
def test_the_named_command_takes_the_gain_over_and_leaves_the_rest(tmp_path: Path, is_dirty: bool) -> None:
    clone = make_clone(tmp_path / "repo")
    clone.write("train.py", "LR = 0.1\n")
    clone.write("notes.txt", "one\n")
    clone.commit()
    if is_dirty:
        clone.write("nightlab.toml", "name = 'mine'\n")
        clone.write("notes.txt", "two\n")
    _take_over(clone, tmp_path)
    assert (clone.root / "train.py").read_text() == "LR = 0.05\n"
    assert clone.git("status", "--short").splitlines() == (["M notes.txt", "?? nightlab.toml"] if is_dirty else [])


def _take_over(clone: Clone, tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    base = snapshot(clone.root, blobs)
    content = b"LR = 0.05\n"
    tree = base.tree.with_changes([Entry("train.py", 0o100644, len(content), blobs.put(content))])
    step = ExportStep(tree, "action:hyperparameter/hyperparameter", "LR: 0.1 -> 0.05")
    provenance = Provenance("s1", 2, "loss", 2.0, 1.0, 0.1, tree.digest, "sha256:abc")
    made = export_branch(clone.root, base, [step], blobs, provenance=provenance, branch="nightlab/s1", at=AT)
    command = how_to_take_over(made).partition(" takes it over")[0]
    clone.git(*shlex.split(command)[1:])
