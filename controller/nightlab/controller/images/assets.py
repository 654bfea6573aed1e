"""Finds what images are made of: the images/ folder and the sources that go into the toolbox.

Works alike from a checkout, an editable install and a wheel.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nightlab.controller.errors import ImageError

TOOLBOX_PACKAGES: Final = ("nightlab.api", "nightlab.sandbox", "nightlab.sdk")
"""What containers run. The SDK is for plugins alone."""


def images_root() -> Path:
    """Return the folder that holds one folder per image.

    Raises:
        ImageError: The installation is incomplete.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_images", package.parents[2] / "images"):
        if (folder / "toolbox/Dockerfile").is_file():
            return folder
    raise ImageError(f"the image sources are missing beside {package}; install nightlab again")


def toolbox_sources() -> dict[str, Path]:
    """Map each module file that the toolbox carries to where it is installed, by path below the import root."""
    found: dict[str, Path] = {}
    for package in TOOLBOX_PACKAGES:
        for root in _package_folders(package):
            prefix = package.replace(".", "/")
            found.update({f"{prefix}/{path.relative_to(root).as_posix()}": path for path in _modules(root)})
    return dict(sorted(found.items()))


def _package_folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ImageError(f"the package {package} is missing; install nightlab again")
    return [Path(location) for location in spec.submodule_search_locations]


def _modules(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*.py") if "__pycache__" not in path.parts)
