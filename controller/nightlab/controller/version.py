"""This nightlab's version, as the installed distribution says."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _version() -> str:
    try:
        return version("nightlab")
    except PackageNotFoundError:
        return "0+source"


VERSION: Final = _version()
