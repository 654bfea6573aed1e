"""The example's settings are valid and fit its script, and prepare.sh leaves nothing half done.

Training it belongs to `make demo`: it needs torch, which only the example's image has.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest

from nightlab.controller.config.schema import Config, Regex

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "tinygpt"
# What the last line of a run looks like; the format string is looked up in the script below.
LAST_LINE: Final = "val_bpb: 3.3553"


@pytest.fixture
def config() -> Config:
    return Config.model_validate(tomllib.loads((EXAMPLE / "nightlab.toml").read_text()))


def test_first_objective_reads_the_line_that_the_script_prints(config: Config) -> None:
    measure = config.objectives[0].measure
    assert isinstance(measure, Regex)
    match = re.fullmatch(measure.pattern, LAST_LINE)
    assert match and float(match[1]) == 3.3553
    assert 'print(f"val_bpb: {val_bpb:.4f}")' in (EXAMPLE / "train.py").read_text()


def test_seed_argument_and_outputs_are_the_scripts_own(config: Config) -> None:
    calls = [node for node in ast.walk(ast.parse((EXAMPLE / "train.py").read_text())) if isinstance(node, ast.Call)]
    strings = {arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)}
    assert config.noise.seed.name in strings
    assert {str(Path(glob).parent) for glob in config.train.outputs} <= strings


def prepare(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(EXAMPLE / "prepare.sh", folder)
    command = ["bash", str(folder / "prepare.sh")]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": python}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_prepare_does_not_ask_pip_again(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    done = prepare(tmp_path, python="/bin/false")
    assert (done.returncode, done.stderr) == (0, "")


def test_prepare_says_what_to_do_and_leaves_nothing_when_pip_fails(tmp_path: Path) -> None:
    done = prepare(tmp_path, python="/bin/false")
    assert done.returncode == 1
    assert f"{tmp_path}/wheels by hand" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["prepare.sh"]
