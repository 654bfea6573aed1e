"""The toolbox's digest names all that goes in, from a checkout and from a wheel alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from nightlab.controller.errors import ImageError
from nightlab.controller.images import assets, context
from nightlab.controller.images.context import toolbox_digest

ROOT = Path(__file__).parents[3]
ASK = "from nightlab.controller.images.context import toolbox_digest; print(toolbox_digest('x86_64'))"


def test_it_is_stable_and_tells_architectures_apart():
    assert toolbox_digest("x86_64") == toolbox_digest("amd64") != toolbox_digest("aarch64")
    with pytest.raises(ImageError, match=r"riscv64"):
        toolbox_digest("riscv64")


@pytest.mark.parametrize("name", ["Dockerfile", "requirements.txt", "nightlab-exec.c"])
def test_a_changed_recipe_is_another_toolbox(tmp_path, monkeypatch, name):
    shutil.copytree(assets.images_root(), tmp_path / "images")
    monkeypatch.setattr(context, "images_root", lambda: tmp_path / "images")
    before = toolbox_digest("x86_64")
    with (tmp_path / "images/toolbox" / name).open("a") as recipe:
        recipe.write("#\n")
    assert toolbox_digest("x86_64") != before


def test_a_changed_source_is_another_toolbox(tmp_path, monkeypatch):
    sources = assets.toolbox_sources()
    assert {"nightlab/api/digest.py", "nightlab/sandbox/__init__.py"} <= sources.keys()
    assert not any("controller" in name or "pycache" in name for name in sources)
    before = toolbox_digest("x86_64")
    changed = tmp_path / "digest.py"
    changed.write_text("changed = True\n")
    monkeypatch.setattr(context, "toolbox_sources", lambda: sources | {"nightlab/api/digest.py": changed})
    assert toolbox_digest("x86_64") != before


def test_ruff_is_the_one_that_the_project_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = [dependency for dependency in project["dependencies"] if dependency.startswith("ruff")]
    requirements = (assets.images_root() / "toolbox/requirements.txt").read_text()
    assert f"\n{pin} " in requirements


def test_a_wheel_makes_the_same_toolbox(tmp_path):
    if not (ROOT / "README.md").exists():
        pytest.skip("a wheel needs the README")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == toolbox_digest("x86_64")
