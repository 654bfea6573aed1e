"""docs/plugins.md shows what really comes out: its commands are run again, in order, beside copies of the examples.

UPDATE_GOLDEN=1 writes the outputs anew, to be read in the diff.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.examples.plugins import PACKAGE, install_package

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/plugins.md"
BLOCK = re.compile(r"(?:^ {4}\$ .*\n(?: {4}.*\n|\n+(?= {4}(?!\$)))*)+", re.MULTILINE)
NIGHTLAB = 'exec {python} -c "from nightlab.controller.cli import main; main()" "$@"\n'
# What differs from run to run: how long pytest took.
SECONDS = re.compile(r" in \d+\.\d\ds")
CONFIG = """\
[image]
name = "nightlab/python:3.11"

[train]
command = "python3 train.py"
editable = ["config.yaml"]

[[objectives]]
name = "loss"
measure = { pattern = '^loss: (\\S+)$' }

[search]
actions = ["hyperparameter", "warm-start"]

[plugins.warm-start]
package = "warm-start"
reads = ["config.yaml"]
writes = ["config.yaml"]
"""


class Shell:
    """Runs the page's commands in a folder that `cd` changes."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def block(self, text: str) -> str:
        """Run a block's commands and return it with what they say now."""
        commands = [line.removeprefix("    $ ") for line in text.splitlines() if line.startswith("    $ ")]
        lines = [line for command in commands for line in (f"$ {command}", *self.output_of(command))]
        return "".join(f"    {line}".rstrip() + "\n" for line in lines)

    def output_of(self, command: str) -> list[str]:
        if command.startswith("cd "):
            self.folder = (self.folder / command.removeprefix("cd ")).resolve()
            return []
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        return SECONDS.sub("", done.stdout + done.stderr).rstrip("\n").splitlines()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder with the plugin's project, the repo of a study, and the programs that the page names."""
    site, programs, folder = tmp_path / "site", tmp_path / "bin", tmp_path / "work"
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(PACKAGE, folder / "warm-start", ignore=ignored)
    shutil.copytree(ROOT / "tests/data/plugins/night/repo", folder / "repo")
    (folder / "repo/nightlab.toml").write_text(CONFIG)
    install_package(site, folder / "warm-start")
    programs.mkdir()
    for name, script in (("nightlab", NIGHTLAB), ("python", 'exec {python} -B "$@"\n')):
        (programs / name).write_text("#!/bin/sh\n" + script.format(python=sys.executable))
        (programs / name).chmod(0o755)
    path = os.pathsep.join([str(site), *filter(None, sys.path)])
    named = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "COLUMNS": "120"}
    return Shell(folder, {**os.environ, **named})


@pytest.mark.docker
def test_the_page_shows_what_comes_out(shell: Shell) -> None:
    made = BLOCK.sub(lambda found: shell.block(found[0]), PAGE.read_text())
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(made)
    assert made == PAGE.read_text(), "docs/plugins.md shows something else; UPDATE_GOLDEN=1 writes it anew"
