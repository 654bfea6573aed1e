"""The Python example is a distribution that advertises its plugin, and its own tests pass."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

from tests.examples.plugins import PACKAGE, install_package


def test_its_own_tests_pass() -> None:
    roots = [str(PACKAGE / "src"), *filter(None, sys.path)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(roots)}
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_distribution_advertises_its_plugin(tmp_path: Path) -> None:
    info = next(install_package(tmp_path).glob("*.dist-info"))
    (advertised,) = Distribution.at(info).entry_points
    assert (advertised.group, advertised.name, advertised.value) == (
        "nightlab.plugins",
        "warm-start",
        "warm_start:PLUGIN",
    )
