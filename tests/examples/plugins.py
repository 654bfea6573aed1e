"""The example plugins as a user has them: one installed beside nightlab, one built as an image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import docker

from nightlab.controller.images.base import ensure_base
from nightlab.controller.images.builder import Build, run_build

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
NODE: Final = EXAMPLES / "plugin-node"
PACKAGE: Final = EXAMPLES / "plugin-package"
NODE_TAG: Final = "nightlab-test/plugin-node"


def build_node(client: docker.DockerClient, *, target: str = "") -> str:
    """Build the image of the plugin in JavaScript; the target "tested" runs the plugin's own tests.

    Raises:
        ImageError: The build failed; it has the last lines of the output.
    """
    ensure_base(client)
    return run_build(client, Build(NODE, NODE / "Dockerfile", f"{NODE_TAG}:{target or 'latest'}", target=target))


def install_package(folder: Path, project: Path = PACKAGE) -> Path:
    """Install a plugin's distribution into a folder, as pip does it; the network is not asked."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    command += ["--no-compile", "--disable-pip-version-check", "--target", str(folder), str(project)]
    subprocess.run(command, check=True, timeout=120)
    return folder
