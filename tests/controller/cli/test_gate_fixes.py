"""Wanted fixes on a copy: what is let through, what is held back, and that writing hits only what was read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.controller.cli.test_gate import gate, repo, state_of, told
from tests.controller.repo.conftest import Clone

from nightlab.controller.errors import RepoError
from nightlab.controller.inspection.fixing import Fixed, write_fixes
from nightlab.controller.inspection.subject import take

__all__ = ["repo"]
PRUNED = """def smallest(losses):
    best = float('inf')
    for loss in losses:
        if best >= loss:
            best = loss
    return best
"""


def test_off_is_skipped_and_nothing_to_fix_is_said(repo: Clone):
    assert state_of(told(repo.root), "fixes") == "skipped"
    view = told(repo.root, "--fix", "safe", "--format")
    assert [c["reason"] for c in view["checks"] if c["id"] in ("fixes", "format")] == [
        "no Python file differs from the base"
    ] * 2


def test_a_fix_that_may_change_behaviour_is_held_back_for_a_person(repo: Clone):
    repo.write("best.py", PRUNED)
    done = gate(repo.root, "--fix", "all", "--select", "PLR1730", "--write")
    assert done.exit_code == 3
    assert "Held back" in done.stdout and "ruff:PLR1730" in done.stdout
    assert (repo.root / "best.py").read_text() == PRUNED


def test_format_alone_is_applied_only_with_write_and_keeps_the_mode(repo: Clone):
    path = repo.write("best.py", PRUNED)
    path.chmod(0o755)
    view = told(repo.root, "--format")
    assert (view["exit_code"], view["written"]) == (0, [])
    assert [(f["author"], f["effect"], f["state"]) for f in view["gate"]["fixes"]] == [
        ("formatter:ruff format", "same AST", "applied")
    ]
    assert path.read_text() == PRUNED
    assert told(repo.root, "--format", "--write")["written"] == ["best.py"]
    assert path.read_text() == PRUNED.replace("'", '"')
    assert path.stat().st_mode & 0o777 == 0o755
    assert [p.name for p in repo.root.iterdir() if p.name.startswith(".nightlab")] == []


def test_nothing_is_written_over_a_finding(repo: Clone):
    path = repo.write("best.py", PRUNED + "print(undefined_name)\n")
    assert gate(repo.root, "--format", "--write").exit_code == 1
    assert path.read_text().startswith(PRUNED)


def written(root: Path, path: str, *, after) -> None:
    subject = asyncio.run(take(root, ""))
    after()
    write_fixes(subject, Fixed((), {path: b"NEW = 1\n"}, ()), may_write=True)


def test_a_file_that_changed_meanwhile_is_not_written(repo: Clone):
    target = repo.root / "train.py"
    with pytest.raises(RepoError, match="changed while the gate ran"):
        written(repo.root, "train.py", after=lambda: target.write_text("OTHER = 2\n"))
    assert target.read_text() == "OTHER = 2\n"


def test_no_link_is_written_through(repo: Clone, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "model.py").write_text("WIDTH = 64\n")

    def swap() -> None:
        (repo.root / "lib/model.py").unlink()
        (repo.root / "lib").rmdir()
        (repo.root / "lib").symlink_to(outside)

    with pytest.raises(RepoError, match="cannot be written"):
        written(repo.root, "lib/model.py", after=swap)
    assert (outside / "model.py").read_text() == "WIDTH = 64\n"
