"""docs/gate.md shows what really comes out: its commands are run again, in order, in a copy of the example.

UPDATE_GOLDEN=1 writes the outputs anew, to be read in the diff.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from ruff import find_ruff_bin
from tests.controller.repo.conftest import Clone
from typer.testing import CliRunner

from nightlab.controller.cli.app import app

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/gate.md"
BLOCK = re.compile(r"(?:^ {4}\$ .*\n(?: {4}.*\n|\n+(?= {4}(?!\$)))*)+", re.MULTILINE)
WHEN = "2026-11-23T06:30:00+00:00"


def test_the_page_shows_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(ROOT / "examples/flipped", tmp_path / "flipped")
    monkeypatch.setenv("GIT_AUTHOR_DATE", WHEN)
    monkeypatch.setenv("GIT_COMMITTER_DATE", WHEN)
    clone = Clone(tmp_path / "flipped")
    clone.git("init", "-q", "-b", "main")
    commit_of(clone)
    monkeypatch.chdir(clone.root)
    text = PAGE.read_text()
    made = BLOCK.sub(lambda found: run_block(found[0]), text)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(made)
    assert made == PAGE.read_text(), "docs/gate.md shows something else; UPDATE_GOLDEN=1 writes it anew"


def commit_of(clone: Clone) -> None:
    env = {name: value for name, value in os.environ.items() if name.startswith("GIT_") or name == "PATH"}
    who = {f"GIT_{role}_{fact}": "ada" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
    for command in (["add", "-A"], ["commit", "-q", "-m", "as proposed"]):
        subprocess.run(["git", *command], cwd=clone.root, env={**env, **who}, check=True)


def run_block(block: str) -> str:
    commands = [line.removeprefix("    $ ") for line in block.splitlines() if line.startswith("    $ ")]
    lines = [line for command in commands for line in (f"$ {command}", *output_of(command).splitlines())]
    return "".join(f"    {line}".rstrip() + "\n" for line in lines)


def output_of(command: str) -> str:
    words = shlex.split(command)
    if words[0] == "nightlab":
        done = CliRunner().invoke(app, words[1:])
        assert isinstance(done.exception, SystemExit | None) and done.stdout, done.stderr
        return done.stdout.rstrip("\n")
    words[0] = {"ruff": find_ruff_bin()}.get(words[0], words[0])  # an environment's programs need not be on PATH
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).rstrip("\n")
