"""Runs a case's own tool on a copy of its program, on this machine, and returns what it leaves.

The corpus is ours and its programs are small, but the tools are run as a person would run them: with the files of the
case alone in a private directory, and nothing of this machine's settings.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nightlab.controller.bench.gate.cases import Case
from nightlab.controller.errors import ConfigError

TIMEOUT_S: Final = 60.0


async def result_of(case: Case) -> dict[str, bytes | None]:
    """Return the files that a case's tool changes, with their new contents; None where it removes one.

    Raises:
        ConfigError: The tool is not installed, or it changes nothing.
    """
    after = await run_on_copy(case.program.files, [(tool_path(case.tool), *call) for call in case.commands])
    changed = differences(case.program.files, after)
    if not changed:
        raise ConfigError(f"{case.name}: {case.tool} {' '.join(case.options)} changes nothing")
    if case.later_edit:
        return {path: case.finished(after)[path] if content else None for path, content in changed.items()}
    return changed


async def run_on_copy(files: Mapping[str, bytes], commands: Sequence[Sequence[str]]) -> dict[str, bytes]:
    """Run programs one after the other in a directory that holds some files; return what it holds then.

    Raises:
        ConfigError: One does not end in time.
    """
    with tempfile.TemporaryDirectory(prefix="nightlab-case-") as name:
        folder = Path(name)
        write_files(folder, files)
        for command in commands:
            await _run(command, folder)
        return _read(folder)


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """Return what must be written, and removed, to make one of the other."""
    changed: dict[str, bytes | None] = {path: text for path, text in after.items() if before.get(path) != text}
    return {**changed, **dict.fromkeys(before.keys() - after.keys())}


def tool_path(name: str) -> str:
    """Find a tool beside this interpreter, else on PATH.

    Raises:
        ConfigError: It is not installed.
    """
    if name == "python":
        return sys.executable
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise ConfigError(f"{name} is not installed beside {sys.executable}; install the `controller` extra")
    return found


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _read(folder: Path) -> dict[str, bytes]:
    left = (path for path in folder.rglob("*") if path.is_file() and not _is_cache(path.relative_to(folder)))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in left}


def _is_cache(path: Path) -> bool:
    return any(part in ("__pycache__", ".ruff_cache", ".cache") for part in path.parts)


async def _run(command: Sequence[str], folder: Path) -> None:
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(*command, cwd=folder, env=env, stdout=quiet, stderr=quiet)
    try:
        await asyncio.wait_for(child.wait(), TIMEOUT_S)
    except TimeoutError as error:
        raise ConfigError(f"{command[0]} did not end within {TIMEOUT_S:.0f} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
