"""The project that `nightlab plugin new` writes is a plugin as it is: tested, clean, and one that the host can find."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nightlab.controller.cli.app import app
from nightlab.controller.errors import ConfigError
from nightlab.controller.plugins.asked import Asked
from nightlab.controller.plugins.new import new_plugin

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "less-overfit"
    done = CliRunner().invoke(app, ["plugin", "new", "less-overfit", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def _path(project: Path) -> str:
    return os.pathsep.join([str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH", "")])])


def _python(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": _path(project)},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_its_own_tests_pass(project: Path) -> None:
    done = _python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 passed" in done.stdout


def test_it_is_clean(project: Path) -> None:
    for command in (["check", "--select", "E,F,I,UP,B", "--line-length", "120"], ["format", "--check"]):
        extra = ["--line-length", "120"] if command[0] == "format" else []
        done = _python(project, "-m", "ruff", *command, *extra, "--isolated", "src", "tests")
        assert done.returncode == 0, done.stdout


def test_names_are_the_same_everywhere(project: Path, tmp_path: Path) -> None:
    facts = tomllib.loads((project / "pyproject.toml").read_text())
    assert facts["project"]["name"] == "less-overfit"
    assert facts["project"]["entry-points"]["nightlab.plugins"] == {"less-overfit": "less_overfit:PLUGIN"}
    asked = tomllib.loads((project / "src/less_overfit/nightlab-plugin.toml").read_text())
    assert Asked(**{key: tuple(value) for key, value in asked.items()}).reads == ("**/*.py",)
    assert (project / ".gitignore").read_text().startswith("__pycache__/")
    assert not [path for path in new_plugin("less-overfit", tmp_path / "again") if "{{" in path.read_text()]


def test_it_keeps_the_protocol(project: Path) -> None:
    script = project / "train.py"
    script.write_text("import torch\n\noptimizer = torch.optim.SGD([], lr=0.1)\n")
    served = ["env", f"PYTHONPATH={_path(project)}", sys.executable, "-m", "less_overfit"]
    done = _python(project, "-m", "nightlab.sdk.conformance", "--workspace", str(project), "--", *served)
    script.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout.splitlines()[-1]


def test_nothing_is_overwritten(project: Path) -> None:
    before = (project / "README.md").read_text()
    done = CliRunner().invoke(app, ["plugin", "new", "less-overfit", str(project)])
    assert done.exit_code == 1
    assert "not an empty folder" in done.output
    assert (project / "README.md").read_text() == before


@pytest.mark.parametrize(
    "name",
    ["", "Warm", "warm_start", "1st", "a--b", "-a", "../up", "class", "json", "hyperparameter", "nightlab", "x" * 49],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        new_plugin(name, tmp_path / "project")
    assert refused.value.hint
    assert not (tmp_path / "project").exists()
