"""docs/plugins.md shows what really comes out: its commands are run again, in order, beside copies of the examples.

UPDATE_GOLDEN=1 writes the outputs anew, to be read in the diff.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from tests.acceptance.conftest import Study, client, removed_at_the_end
from tests.examples.plugins import PACKAGE

from nightlab.controller.images.base import ensure_python_base

__all__ = ["client"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/plugins.md"
BLOCK = re.compile(r"(?:^ {4}\$ .*\n(?: {4}.*\n|\n+(?= {4}(?!\$)))*)+", re.MULTILINE)
# A plugin that is checked gets no environment but PATH, so each program knows where nightlab and the plugin are.
SCRIPT = '#!/bin/sh\nPYTHONPATH="{path}" exec {command} "$@"\n'
PROGRAMS = {
    "nightlab": f'{sys.executable} -c "from nightlab.controller.cli import main; main()"',
    "python": f"{sys.executable} -B",
    "pip": f"{sys.executable} -m pip",
}
TIMEOUT_S = 180
# What differs from machine to machine: how long pytest took, and a digest, because a build backend writes metadata.
SECONDS = re.compile(r" in \d+\.\d\ds")
DIGEST = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b")
# What is built is there already, and nothing is looked for elsewhere.
PIP = {f"PIP_{name}": "1" for name in ("NO_INDEX", "NO_DEPS", "NO_COMPILE", "UPGRADE", "DISABLE_PIP_VERSION_CHECK")}
PIP["PIP_NO_BUILD_ISOLATION"] = "0"  # pip takes this one the wrong way round
CONFIG = """\
[image]
name = "nightlab/python:3.11"
workspace = "/app"

[train]
command = "python3 train.py"
editable = ["config.yaml"]

[[objectives]]
name = "loss"
measure = { source = "regex", pattern = '^loss: (\\S+)$' }

[noise]
seed = { kind = "argument", name = "--seed", base = 1 }

[search]
actions = ["warm-start", "hyperparameter"]
parallel = 1

[plugins.warm-start]
package = "warm-start"
reads = ["config.yaml"]
writes = ["config.yaml"]
"""


class Shell:
    """Runs the page's commands in a folder that `cd` changes."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.digests: dict[str, str] = {}

    def block(self, text: str) -> str:
        """Run a block's commands and return it with what they say now."""
        commands = [line.removeprefix("    $ ") for line in text.splitlines() if line.startswith("    $ ")]
        lines = [line for command in commands for line in (f"$ {command}", *self.output_of(command))]
        return "".join(f"    {line}".rstrip() + "\n" for line in lines)

    def output_of(self, command: str) -> list[str]:
        if command.startswith("cd "):
            self.folder = (self.folder / command.removeprefix("cd ")).resolve()
            return []
        shell = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(
            shell, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        text = (done.stdout + done.stderr).rstrip("\n")
        assert done.returncode in (0, 1) and "Traceback" not in text, f"{command}: {done.returncode}\n{text}"
        return DIGEST.sub(self._number, SECONDS.sub("", text)).splitlines()

    def _number(self, digest: re.Match[str]) -> str:
        return self.digests.setdefault(digest[0][:12], f"digest-{len(self.digests) + 1}")


@pytest.fixture
def shell(client: docker.DockerClient, tmp_path: Path) -> Iterator[Shell]:
    """A folder with the plugin's project, the repo of a study, and the programs that the page names."""
    site, folder = tmp_path / "site", tmp_path / "work"
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(PACKAGE, folder / "warm-start", ignore=ignored)
    shutil.copytree(ROOT / "tests/data/plugins/night/repo", folder / "repo")
    (folder / "repo/nightlab.toml").write_text(CONFIG)
    ensure_python_base(client)
    programs = write_programs(tmp_path / "bin", [str(site), *filter(None, sys.path)])
    environment = {
        **os.environ,
        **PIP,
        "PIP_TARGET": str(site),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "PYTHONWARNINGS": "ignore",
    }
    with removed_at_the_end(Study(folder / "repo", client)):
        yield Shell(folder, environment)


def write_programs(folder: Path, path: list[str]) -> Path:
    """Write what stands for an environment in which nightlab and the plugin are installed."""
    folder.mkdir()
    for name, command in PROGRAMS.items():
        (folder / name).write_text(SCRIPT.format(path=os.pathsep.join(path), command=command))
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.docker
def test_the_page_shows_what_comes_out(shell: Shell) -> None:
    made = BLOCK.sub(lambda found: shell.block(found[0]), PAGE.read_text())
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(made)
    assert made == PAGE.read_text(), "docs/plugins.md shows something else; UPDATE_GOLDEN=1 writes it anew"
