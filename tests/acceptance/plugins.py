"""Plugins of somebody else for a night: installed, built and enabled as a user does it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

import docker
from tests.examples.plugins import NODE_TAG, PACKAGE, build_node, install_package

from nightlab.controller.images.base import ensure_python_base
from nightlab.controller.images.builder import Build, run_build

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "tests/data/plugins/night"
MOMENTUM_TAG: Final = "nightlab-test/plugin-momentum"
CONFIG: Final = """
[image]
name = "IMAGE"
workspace = "/app"
[train]
command = "python3 train.py"
editable = ["**/*.py", "config.yaml"]
timeout = "60s"
memory = "128m"
shm = "16m"
tmp = "16m"
workspace_size = "16m"
[[objectives]]
name = "loss"
measure = { source = "regex", pattern = '^loss: (\\S+)$' }
[noise]
seed = { kind = "argument", name = "--seed", base = 1 }
repeats = 3
confirm = 2
[search]
parallel = 2
actions = [ACTIONS, "hyperparameter"]
[budget]
trials = TRIALS
"""
FILES: Final = 'reads = ["config.yaml"]\nwrites = ["config.yaml"]\n'
TABLES: Final = {
    "warm-start": f'[plugins.warm-start]\npackage = "warm-start"\n{FILES}',
    "yaml-moves": f'[plugins.yaml-moves]\nimage = "{NODE_TAG}"\n{FILES}',
    "momentum": f'[plugins.momentum]\nimage = "{MOMENTUM_TAG}"\n{FILES}',
    "rude": f'[plugins.rude]\npackage = "rude-plugin"\ncall_timeout = "1s"\n{FILES}',
}


def build_momentum(client: docker.DockerClient, context: Path) -> str:
    """Build the plugin that lives in an image; the SDK is copied into it, as no registry has this version."""
    ensure_python_base(client)
    shutil.copytree(DATA / "momentum", context)
    ignored = shutil.ignore_patterns("__pycache__", "conformance")
    for part in ("proto/nightlab/api", "plugins/nightlab/sdk"):
        shutil.copytree(ROOT / part, context / "nightlab" / Path(part).name, ignore=ignored)
    return run_build(client, Build(context, context / "Dockerfile", f"{MOMENTUM_TAG}:latest"))


def install_plugins(client: docker.DockerClient, folder: Path) -> Path:
    """Make all four available; return the folder that a controller's PYTHONPATH needs."""
    build_node(client)
    build_momentum(client, folder / "momentum")
    site = install_package(folder / "site", PACKAGE)
    return install_package(site, DATA / "rude")


def write_repo(repo: Path, image: str, trials: int, *plugins: str) -> None:
    """Write the repo of the night, with some plugins enabled and granted its config."""
    shutil.copytree(DATA / "repo", repo)
    write_config(repo, image, trials, *plugins)


def write_config(repo: Path, image: str, trials: int, *plugins: str) -> None:
    """Write a repo's nightlab.toml anew."""
    actions = ", ".join(f'"{name}"' for name in plugins)
    config = CONFIG.replace("IMAGE", image).replace("ACTIONS", actions).replace("TRIALS", str(trials))
    (repo / "nightlab.toml").write_text(config + "\n".join(TABLES[name] for name in plugins))


def path_with(site: Path) -> str:
    """Return a PYTHONPATH that has the installed plugins before everything else."""
    return os.pathsep.join([str(site), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])


def reword(site: Path, package: str, old: str, new: str) -> None:
    """Change what an installed plugin says of itself, as a new release would."""
    path = site / package / "__init__.py"
    text, number = re.subn(re.escape(old), new, path.read_text())
    assert number
    path.write_text(text)
