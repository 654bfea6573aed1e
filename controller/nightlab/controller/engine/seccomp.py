"""Our own system call filter: an allow-list for one architecture, shipped as JSON in images/seccomp."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from nightlab.controller.errors import EngineRefused

_CONTROLLER: Final = Path(__file__).resolve().parents[1]
_FOLDERS: Final = (_CONTROLLER / "_images" / "seccomp", _CONTROLLER.parents[2] / "images" / "seccomp")
_ALIASES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


def profile_path(architecture: str) -> Path:
    """Find the profile of an architecture, in a wheel or in a checkout.

    Args:
        architecture: As `uname -m` or Docker has it.

    Raises:
        EngineRefused: There is none: an unfiltered container is never the answer.
    """
    name = f"{_ALIASES.get(architecture, architecture)}.json"
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise EngineRefused(
        f"no seccomp profile for {architecture or 'an unnamed architecture'}; x86_64 and aarch64 have one"
    )


@cache
def profile_text(architecture: str) -> str:
    """Return the profile as one line of JSON: the engine wants the text, a path fails only at start.

    Raises:
        EngineRefused: There is none for the architecture.
    """
    profile = json.loads(profile_path(architecture).read_text())
    return json.dumps(profile, separators=(",", ":"))
