"""Puts together what the toolbox is built from, and names it by one digest. Building it belongs to `images.toolbox`."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from nightlab.controller.errors import ImageError
from nightlab.controller.images.assets import images_root, toolbox_sources
from nightlab.controller.images.base import open_modes

DOWNLOAD_TIMEOUT_S: Final = 600.0
PYTHON_VERSION: Final = "3.11"
ABIS: Final = ("cp311", "abi3", "none")
# Static ruff comes from the first, everything else from the others; the hashes in requirements.txt leave no choice.
PLATFORMS: Final = ("musllinux_1_2", "manylinux_2_28", "manylinux2014")
ARCHITECTURES: Final = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def machine(architecture: str) -> str:
    """Return the name of an architecture in wheel tags.

    Args:
        architecture: As the engine says it.

    Raises:
        ImageError: The toolbox has no wheels for it.
    """
    if architecture not in ARCHITECTURES:
        raise ImageError(f"the toolbox does not run on {architecture}, only on {' and '.join(ARCHITECTURES)}")
    return ARCHITECTURES[architecture]


def toolbox_digest(architecture: str) -> str:
    """Hash everything that goes into the toolbox: recipe, pins, our sources. First 12 characters of a sha256."""
    digest = hashlib.sha256(f"nightlab-toolbox/2 {machine(architecture)}\n".encode())
    for name, path in sorted((_recipe() | _sources()).items()):
        content = path.read_bytes()
        digest.update(f"{len(name)} {name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def write_context(folder: Path, architecture: str) -> None:
    """Fill a folder with the toolbox's build context; downloads the pinned wheels.

    Raises:
        ImageError: pip cannot get them; its last lines are in the text.
    """
    for name, path in (_recipe() | _sources()).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    _download_wheels(folder / "requirements.txt", folder / "wheels", machine(architecture))
    open_modes(folder)


def _recipe() -> dict[str, Path]:
    return {path.name: path for path in (images_root() / "toolbox").iterdir() if path.is_file()}


def _sources() -> dict[str, Path]:
    return {f"src/{name}": path for name, path in toolbox_sources().items()}


def _download_wheels(requirements: Path, target: Path, machine_name: str) -> None:
    """Download on the host, where pip is set up to reach its index; a build inside the engine need not be."""
    with tempfile.TemporaryDirectory(prefix="nightlab-pip-") as scratch:
        command = [_python_with_pip(Path(scratch)), "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp"]
        command += [f"--python-version={PYTHON_VERSION}", *(f"--abi={abi}" for abi in ABIS)]
        command += [f"--platform={platform}_{machine_name}" for platform in PLATFORMS]
        command += ["--dest", str(target), "--requirement", str(requirements)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=DOWNLOAD_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise ImageError(f"the toolbox's wheels were not there after {DOWNLOAD_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        tail = "\n  ".join(done.stderr.splitlines()[-8:])
        raise ImageError(f"pip cannot download the toolbox's wheels:\n  {tail}", hint="see that pip reaches its index")


def _python_with_pip(scratch: Path) -> str:
    """Return this interpreter, or, where it has no pip, one of a throw-away environment that has."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    try:
        venv.create(scratch / "env", with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise ImageError(f"there is no pip beside {sys.executable} and none can be made: {error}") from error
    return str(scratch / "env/bin/python")
