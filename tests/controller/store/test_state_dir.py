"""A repo that somebody else made cannot bring a state directory: nothing is written through it or run from it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nightlab.controller.errors import StoreError
from nightlab.controller.store.state_dir import MARKER, StateDir, remove_tree

NIGHTLAB = (sys.executable, "-c", "from nightlab.controller.cli import main; main()")
CONFIG = """
[train]
command = "python3 train.py"
[[objectives]]
name = "loss"
measure = { source = "regex", pattern = '^loss: (.*)$' }
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "nightlab.toml").write_text(CONFIG)
    return repo


def test_what_was_made_is_private_ignores_itself_and_is_found_again(repo):
    state = StateDir.of_repo(repo)
    state.create()
    state.create()
    assert (state.root.stat().st_mode & 0o777, (state.root / ".gitignore").read_text()) == (0o700, "*\n")
    assert [path.name for path in repo.iterdir() if path.name.startswith(".")] == [".nightlab"]


def test_a_renamed_repo_keeps_its_state(repo):
    StateDir.of_repo(repo).create()
    StateDir.of_repo(repo.rename(repo.with_name("other"))).create()


def test_an_empty_directory_that_is_there_is_used(repo):
    (repo / ".nightlab").mkdir()
    StateDir.of_repo(repo).create()


def test_a_copy_is_refused_with_a_way_to_take_it_over(repo):
    StateDir.of_repo(repo).create()
    copied = StateDir.of_repo(shutil.copytree(repo, repo.with_name("o'ther")))
    with pytest.raises(StoreError) as caught:
        copied.create()
    remedy = caught.value.hint.split("`")[1]
    subprocess.run(remedy, shell=True, check=True)
    copied.create()


def plant_link(root: Path, victim: Path) -> None:
    root.mkdir()
    for name in ("lock", "events.log", MARKER):
        (root / name).symlink_to(victim)


def plant_directory_link(root: Path, victim: Path) -> None:
    root.symlink_to(victim.parent)


def plant_git(root: Path, victim: Path) -> None:
    shutil.copytree(StateDirTemplate.make(root.parent.parent / "template"), root)
    (root / "history.git").mkdir()
    (root / "history.git" / "config").write_text(f"[core]\nfsmonitor = rm {victim}\n")


def plant_pipe(root: Path, victim: Path) -> None:
    root.mkdir()
    os.mkfifo(root / MARKER)


class StateDirTemplate:
    """A state directory that was really made, elsewhere."""

    @staticmethod
    def make(repo: Path) -> Path:
        repo.mkdir()
        state = StateDir.of_repo(repo)
        state.create()
        return state.root


@pytest.mark.parametrize(
    ("command", "plant"),
    [
        ("run", plant_link),
        ("run", plant_directory_link),
        ("run", plant_git),
        ("run", plant_pipe),
        ("status", plant_git),
        ("clean", plant_link),
        ("stop", plant_link),
    ],
)
def test_a_planted_one_is_refused_before_anything_is_written(repo, tmp_path, command, plant):
    (tmp_path / "home").mkdir()
    victim = tmp_path / "home" / "keys"
    victim.write_text("precious")
    plant(repo / ".nightlab", victim)
    where = [str(repo)] if command == "run" else ["--repo", str(repo)]
    done = subprocess.run([*NIGHTLAB, command, *where], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert ".nightlab" in done.stderr
    assert "remedy" in done.stderr
    assert "Traceback" not in done.stderr
    assert victim.read_text() == "precious"
    assert list(victim.parent.iterdir()) == [victim]


def test_a_tree_that_is_deeper_than_a_call_stack_is_removed_and_links_are_not_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    at = os.open(tmp_path, os.O_DIRECTORY)
    for name in ("passing", *["d"] * 1100):
        os.mkdir(name, dir_fd=at)
        deeper = os.open(name, os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = deeper
    os.symlink(kept, "link", dir_fd=at)
    os.close(os.open("file", os.O_CREAT, dir_fd=at))
    os.close(at)
    remove_tree(tmp_path / "passing")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
