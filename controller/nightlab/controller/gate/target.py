"""Which Python a tree is read for: that of the interpreter, else what the repo asks for, else nightlab's own choice."""

from __future__ import annotations

import re
from typing import Final

RUFF_TARGETS: Final = ((3, 7), (3, 15))
DEFAULT: Final = (3, 11)
INTERPRETER: Final = "the interpreter"
REQUIRES: Final = "requires-python"
OWN: Final = "nightlab"
_LEAST: Final = re.compile(r"(>=|~=|===?|\^|~|>)?\s*v?3\.(\d{1,2})(?:\.(?:\d+|\*))*")


def target_version(python: tuple[int, int] | None) -> str:
    """Return ruff's name of a Python version, the nearest one it knows; empty for an unknown interpreter."""
    if python is None:
        return ""
    low, high = RUFF_TARGETS
    major, minor = min(max(python, low), high)
    return f"py{major}{minor}"


def choose_target(python: tuple[int, int] | None, requires_python: str = "") -> tuple[str, str]:
    """Return ruff's target version and where it is from.

    Args:
        python: Version of the interpreter that the training command resolves to; None if it is not known.
        requires_python: The repo's own word (">=3.9,<4"); data that is searched for the least version it allows.
    """
    if python is not None:
        return target_version(python), INTERPRETER
    least = least_version(requires_python)
    return (target_version(least), REQUIRES) if least else (target_version(DEFAULT), OWN)


def least_version(requires_python: str) -> tuple[int, int] | None:
    """Return the least Python 3 that a specifier allows; None if it names none."""
    found = []
    for clause in requires_python[:200].replace("||", ",").split(","):
        match = _LEAST.fullmatch(clause.strip())
        if match:
            found.append((3, int(match[2])))
    return max(found, default=None)
