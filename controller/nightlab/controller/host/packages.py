"""Installs distribution packages on Debian and Ubuntu. What is needed, and when, is decided by others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from nightlab.controller.errors import EngineError

APT_TIMEOUT_S: Final = 900.0
LOCK_TIMEOUT_S: Final = 120


def can_install() -> bool:
    """Whether this process may install packages: it is root on a machine with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and Path("/var/lib/dpkg").is_dir()


def install(packages: Sequence[str], progress: Callable[[str], None]) -> None:
    """Install packages from the distribution, after reading its lists anew: a new machine's are empty or stale.

    Raises:
        EngineError: apt failed; its last lines are in the text.
    """
    progress(f"installing {', '.join(packages)}")
    _apt(["update", "-q"])
    _apt(["install", "-q", "-y", "--no-install-recommends", *packages])


def _apt(arguments: list[str]) -> None:
    command = ["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_S}", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=APT_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"`{' '.join(command)}` was not done after {APT_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        tail = "\n  ".join(done.stdout.splitlines()[-10:])
        raise EngineError(f"`{' '.join(command)}` failed:\n  {tail}", hint="run it by hand and mend what it names")
