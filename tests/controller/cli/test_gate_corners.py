"""What stands at the edge of `nightlab gate`: authors in quarantine, files too large to read, bare repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.controller.cli.test_gate import gate, repo, state_of, told
from tests.controller.cli.test_gate_fixes import PRUNED
from tests.controller.repo.conftest import Clone

from nightlab.controller.inspection.contents import KEPT_BYTES
from nightlab.controller.store import QuarantineRecord, Store, StudyRecord, open_writer
from nightlab.controller.store.database import FILE
from nightlab.controller.store.state_dir import StateDir

__all__ = ["repo"]
WANTED = ("--fix", "all", "--select", "PLR1730")


def caught(root: Path, author: str) -> Path:
    """Put an author in quarantine for a repo and return the store's file."""
    state = StateDir.of_repo(root)
    state.create()
    store = Store(open_writer(state.root))
    store.add_study(StudyRecord("s1", "name", str(root), "finished", {}, "0.1", 5))
    store.quarantine(QuarantineRecord(author, "s1", 0, 11, "loss 1 -> nan"))
    store.close()
    return state.root / FILE


def reason_of(view: dict, check: str) -> str:
    return next(c["reason"] for c in view["checks"] if c["id"] == check)


def test_an_author_in_quarantine_is_refused_and_named(repo: Clone):
    repo.write("best.py", PRUNED)
    before = caught(repo.root, "ruff:PLR1730").read_bytes()
    view = told(repo.root, *WANTED)
    assert (view["exit_code"], view["gate"]["fixes"]) == (0, [])
    assert reason_of(view, "fixes") == "nothing to do, 1 in quarantine"
    assert "in quarantine for this repo, so not made: ruff:PLR1730 (loss 1 -> nan)" in view["gate"]["notes"]
    assert (repo.root / ".nightlab" / FILE).read_bytes() == before


def test_a_formatter_in_quarantine_does_not_format(repo: Clone):
    repo.write("best.py", PRUNED)
    caught(repo.root, "formatter:ruff format")
    view = told(repo.root, "--format")
    assert reason_of(view, "format") == "nothing to do, 1 in quarantine"


@pytest.mark.parametrize("trap", ["broken", "of somebody else"])
def test_a_quarantine_that_cannot_be_read_is_a_note(repo: Clone, trap: str):
    repo.write("best.py", PRUNED)
    file = caught(repo.root, "ruff:PLR1730")
    if trap == "broken":
        file.write_bytes(b"no database" * 500)
    else:
        (file.parent / "inode").write_text("1")
    view = told(repo.root, *WANTED)
    assert state_of(view, "fixes") == "held back"
    assert any("the quarantine of this repo cannot be read" in note for note in view["gate"]["notes"])


def test_a_fix_is_said_once_to_change_behaviour(repo: Clone):
    repo.write("best.py", PRUNED)
    shown = gate(repo.root, *WANTED, "--quiet").stdout
    assert "ruff:PLR1730  may change behaviour  `if best >= loss" in shown
    assert "may change what the program does" not in shown


@pytest.mark.parametrize("is_in_base", [True, False])
def test_a_python_file_too_large_to_read_is_a_note_and_blocks_nothing(repo: Clone, is_in_base: bool):
    repo.write("big.py", "X = 1\n" * (KEPT_BYTES // 6 + 1))
    if is_in_base:
        repo.commit()
    repo.write("bad.py", "print(nothing)\n")  # so that the base is read, too
    view = told(repo.root)
    assert [found["path"] for found in view["gate"]["blocking"]] == ["bad.py"]
    assert any("ruff did not read big.py: larger than 4" in note for note in view["gate"]["notes"])


def test_an_entry_point_too_large_to_read_still_fails(repo: Clone):
    repo.write("big.py", "X = 1\n" * (KEPT_BYTES // 6 + 1))
    assert state_of(told(repo.root, "--entry", "big.py"), "entry-point") == "failed"


@pytest.mark.parametrize("folder", ["bare.git", "bare.git/refs", "repo/.git"])
def test_a_directory_of_git_itself_is_an_error_with_a_remedy(repo: Clone, tmp_path: Path, folder: str):
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare.git")], check=True)
    view = told(tmp_path / folder)
    assert "without a working tree" in view["error"]["message"] and "git clone" in view["error"]["hint"]
    assert gate(tmp_path / folder).exit_code == 1


def test_a_working_tree_inside_of_a_bare_repository_is_read(repo: Clone, tmp_path: Path):
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "worktree", "add", "-q", "--detach", str(bare / "tree")], check=True)
    assert gate(bare / "tree").exit_code == 0


@pytest.mark.parametrize("name", ["ruff.toml", ".ruff.toml", "pyproject.toml"])
def test_a_broken_ruff_config_is_said_to_be_unreadable(repo: Clone, name: str):
    repo.write(name, "[lint\n")
    view = told(repo.root)
    assert (state_of(view, "repo-config"), reason_of(view, "repo-config")) == ("skipped", f"{name} cannot be read")
    assert view["exit_code"] == 0


def test_a_broken_pyproject_does_not_hide_the_config_that_comes_first(repo: Clone):
    repo.write("ruff.toml", "fix = true\n")
    repo.write("pyproject.toml", "[lint\n")
    assert reason_of(told(repo.root), "repo-config") == "ruff.toml, data only"
