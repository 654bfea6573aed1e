"""`nightlab gate` on real clones: what it says, its exit codes, and that it runs and writes nothing of the repo's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.controller.repo.conftest import Clone, make_clone
from tests.controller.repo.test_hostile_repo import set_traps
from typer.testing import CliRunner

from nightlab.controller.cli.app import app

TRAIN = """import os
import sys

SCALAR_LR = 0.5
STEPS = 3


def main():
    for step in range(STEPS):
        print("loss", SCALAR_LR / (step + 1))


main()
"""
CHECKS = ["ruff", "entry-point", "repo-config", "fixes", "format", "duplicates", "smoke", "seal"]


def gate(*args: object):
    return CliRunner().invoke(app, ["gate", *map(str, args)])


def told(*args: object) -> dict:
    return json.loads(gate(*args, "--json").stdout)


def state_of(view: dict, check: str) -> str:
    return next(c["state"] for c in view["checks"] if c["id"] == check)


@pytest.fixture
def repo(tmp_path: Path) -> Clone:
    clone = make_clone(tmp_path / "repo")
    clone.write("train.py", TRAIN)
    clone.write("lib/model.py", "WIDTH = 64\n")
    clone.commit()
    return clone


def test_a_clean_clone_passes_with_a_line_per_check(repo: Clone):
    done = gate(repo.root)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == len(CHECKS)
    assert lines[0].startswith("ruff, blocking set...") and lines[0].endswith("(2 files)Passed")
    assert {len(line) for line in lines} == {79}


def test_quiet_says_nothing_where_all_passes_and_everything_where_not(repo: Clone):
    assert gate(repo.root, "--quiet").stdout == ""
    repo.write("train.py", TRAIN.replace("STEPS)", "STEP)"))
    shown = gate(repo.root, "-q").stdout
    assert "Failed" in shown and "Passed" not in shown and "STEP" in shown


def test_a_new_finding_fails_with_its_line_and_a_caret(repo: Clone):
    repo.write("train.py", TRAIN.replace("range(STEPS)", "range(STEP)"))
    done = gate(repo.root)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "F821" in line)
    assert lines[at].startswith("train.py:9:23: F821 ")
    assert lines[at + 1] == "    9 |     for step in range(STEP):"
    assert lines[at + 2] == "      |                       ^^^^"


def test_what_the_base_had_blocks_nothing(repo: Clone):
    repo.write("old.py", "print(undefined_name)\n")
    repo.commit()
    repo.write("train.py", TRAIN.replace("0.5", "0.4"))
    view = told(repo.root)
    assert view["exit_code"] == 0
    assert [f["path"] for f in view["gate"]["inherited"]] == ["old.py"]


def test_an_older_base_makes_it_new(repo: Clone):
    repo.write("old.py", "print(undefined_name)\n")
    repo.commit()
    view = told(repo.root, "--base", "HEAD~1")
    assert view["exit_code"] == 1
    assert [f["path"] for f in view["gate"]["blocking"]] == ["old.py"]


def test_the_json_has_every_check_in_order_and_the_state(repo: Clone):
    view = told(repo.root)
    assert [c["id"] for c in view["checks"]] == CHECKS
    assert (view["state"], view["exit_code"]) == ("passed", 0)
    assert view["base"]["name"] == "HEAD" and view["base"]["commit"] == repo.git("rev-parse", "HEAD")
    assert view["gate"]["digest_inside"] == view["gate"]["digest_outside"]


def test_a_flipped_literal_is_named_and_nobody_is_accused(repo: Clone):
    repo.write("train.py", TRAIN.replace("0.5", "0.3"))
    done = gate("--since", "HEAD", repo.root)
    assert done.exit_code == 0
    assert "`SCALAR_LR` 0.5 -> 0.3, line 4" in done.stdout
    assert "unknown (no known tool makes this change)" in done.stdout
    assert "+SCALAR_LR = 0.3" not in done.stdout
    assert "+SCALAR_LR = 0.3" in gate("--since", "HEAD", "--diff", repo.root).stdout


def test_nothing_changed_is_said(repo: Clone):
    assert "nothing changed since HEAD" in gate("--since", "HEAD", repo.root).stdout


def test_untracked_removed_and_executable_files_are_told(repo: Clone):
    repo.write("new.py", "X = 1\n")
    (repo.root / "lib/model.py").unlink()
    (repo.root / "train.py").chmod(0o755)
    view = told("--since", "HEAD", repo.root)
    facts = {c["path"]: c["facts"][0]["text"] for c in view["explanation"]["changes"]}
    assert set(facts) == {"new.py", "lib/model.py", "train.py"}
    assert facts["train.py"] == "became executable"


def test_a_change_that_the_index_hides_is_found(repo: Clone):
    repo.git("update-index", "--assume-unchanged", "train.py")
    repo.write("train.py", TRAIN.replace("0.5", "0.3"))
    assert "`SCALAR_LR` 0.5 -> 0.3" in gate("--since", "HEAD", repo.root).stdout


def test_a_folder_of_a_clone_is_a_tree_of_its_own(repo: Clone):
    repo.write("lib/model.py", "WIDTH = 65\n")
    view = told("--since", "HEAD", repo.root / "lib")
    assert [c["path"] for c in view["explanation"]["changes"]] == ["model.py"]


def test_without_git_everything_is_new_and_that_is_said(tmp_path: Path):
    (tmp_path / "a.py").write_text("print(undefined_name)\n")
    done = gate(tmp_path)
    assert done.exit_code == 1 and "undefined_name" in done.stdout
    view = told(tmp_path)
    assert view["base"] == {
        "name": "", "commit": "", "why_none": "not a git clone, so every finding counts as new"
    }  # fmt: skip
    assert state_of(view, "duplicates") == "skipped"


def test_a_clone_without_a_commit_has_no_base(tmp_path: Path):
    clone = make_clone(tmp_path / "repo")
    clone.write("a.py", "X = 1\n")
    view = told(clone.root)
    assert view["exit_code"] == 0 and "no commit" in view["base"]["why_none"]


def test_comments_alone_are_the_same_program(repo: Clone):
    repo.write("train.py", TRAIN + "# the end\n")
    view = told(repo.root)
    assert next(c for c in view["checks"] if c["id"] == "duplicates")["reason"] == "same program as the base"


@pytest.mark.parametrize("name", ["nope", "--output=x", "HEAD~99", "a\nb", ""])
def test_a_commit_that_is_not_there_is_an_error_with_a_remedy(repo: Clone, name: str):
    done = gate(f"--since={name}" if name else "--base= ", repo.root)
    assert done.exit_code == 1
    assert "names no commit" in done.stderr and "HEAD~1" in done.stderr
    assert not (repo.root / "x").exists()


def test_an_entry_point_must_be_there_and_be_read(repo: Clone):
    assert state_of(told(repo.root, "--entry", "train.py"), "entry-point") == "passed"
    done = gate(repo.root, "--entry", "nope.py")
    assert done.exit_code == 1 and "nope.py" in done.stderr
    (repo.root / "link.py").symlink_to("train.py")
    assert state_of(told(repo.root, "--entry", "link.py"), "entry-point") == "failed"


def test_options_that_contradict_are_a_usage_error(repo: Clone):
    assert gate("--since", "HEAD", "--write", repo.root).exit_code == 2
    assert gate("--python", "two", repo.root).exit_code == 2
    assert gate("--smoke", repo.root).exit_code == 1  # no nightlab.toml
    assert "nightlab init" in gate("--smoke", repo.root).stderr


def test_the_target_is_what_the_user_says(repo: Clone):
    repo.write("new.py", "match 1:\n    case _:\n        pass\n")
    assert told(repo.root, "--python", "3.9")["exit_code"] == 1
    view = told(repo.root, "--python", "3.11")
    assert (view["exit_code"], view["gate"]["target_version"]) == (0, "py311")


def test_a_broken_config_of_the_repo_harms_nothing(repo: Clone):
    for name in ("ruff.toml", ".ruff.toml", "pyproject.toml"):
        repo.write(name, "[tool.ruff\nrequired-version = '==0.0.1'\nfix = true\n")
    assert gate(repo.root).exit_code == 0
    assert (repo.root / "train.py").read_text() == TRAIN


def test_names_with_odd_characters_are_read_and_shown_inert(repo: Clone):
    for name in ("-f.py", "a b.py", "[x].py", "line\nbreak.py", "\u202egnp.py", "\x1b[31m.py", "# x.py", "ü.py"):
        repo.write(name, "print(undefined_name)\n")
    done = gate(repo.root)
    assert done.exit_code == 1 and done.stdout.count("F821") == 8
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


def test_nothing_that_the_repo_brings_is_run(repo: Clone, tmp_path: Path):
    markers = tmp_path / "markers"
    markers.mkdir()
    set_traps(repo, markers, "gate")
    repo.write(".gitattributes", "* filter=trap diff=trap merge=trap\n")
    repo.write("train.py", TRAIN.replace("0.5", "0.3"))
    assert gate(repo.root).exit_code == 0
    assert "0.5 -> 0.3" in gate("--since", "HEAD", "--diff", repo.root).stdout
    assert list(markers.iterdir()) == []


def test_code_that_breaks_a_parser_costs_no_answer(repo: Clone):
    repo.write("bomb.py", "x = " + "-" * 20_000 + "1\n")
    repo.write("train.py", TRAIN.replace("0.5", "0.3"))
    done = gate("--since", "HEAD", repo.root)
    assert done.exit_code == 0
    assert "`SCALAR_LR` 0.5 -> 0.3" in done.stdout and "bomb.py" in done.stdout


def test_three_thousand_files_are_no_matter(tmp_path: Path):
    clone = make_clone(tmp_path / "repo")
    for number in range(3000):
        clone.write(f"pkg{number % 30}/mod{number}.py", f"VALUE = {number}\n")
    clone.commit()
    clone.write("pkg7/mod7.py", "VALUE = 8\n")
    view = told(clone.root)
    assert (view["exit_code"], view["files"], view["gate"]["linted_files"]) == (0, 3000, 3000)
    assert view["explanation"]["changes"][0]["facts"][0]["text"] == "`VALUE` 7 -> 8"


def test_a_file_is_no_directory(repo: Clone):
    done = gate(repo.root / "train.py")
    assert done.exit_code == 1 and "is not a directory" in " ".join(done.stderr.split())


def test_the_working_tree_is_left_as_it_was(repo: Clone):
    repo.write("train.py", TRAIN.replace("0.5", "0.3"))
    before = {p: p.read_bytes() for p in repo.root.rglob("*") if p.is_file()}
    gate(repo.root)
    gate("--since", "HEAD", repo.root)
    assert {p: p.read_bytes() for p in repo.root.rglob("*") if p.is_file()} == before
