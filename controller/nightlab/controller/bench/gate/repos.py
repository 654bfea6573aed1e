"""Real repos, as they are: whatever the gate blocks in them is a false alarm."""

from __future__ import annotations

import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nightlab.controller.bench.gate.cases import Program
from nightlab.controller.bench.gate.checks import Check, Promise, Row
from nightlab.controller.bench.gate.gate import Gate
from nightlab.controller.model.trial import Ending

NOTHING: Final = ("python3", "-c", "print('result: launched')")
FROM_THE_LIBRARY: Final = ("asyncio", "email", "json", "unittest", "xml")
FILE_BYTES: Final = 2**20
MOST_FILES: Final = 300


def repos(roots: Iterator[Path] | tuple[Path, ...], only: str = "") -> Iterator[Program]:
    """Yield repos as programs: folders that are given, and packages of the standard library.

    Args:
        roots: Folders; one that does not exist is left out.
        only: Part of a name; empty: all.
    """
    library = Path(sysconfig.get_paths()["stdlib"])
    named = [(f"repo {root.name if root.name != 'repo' else root.parent.name}", root) for root in roots]
    named += [(f"library {name}", library / name) for name in FROM_THE_LIBRARY]
    for name, root in named:
        if only in name and root.is_dir():
            yield Program(name, files_of(root), argv=NOTHING)


async def measure_repo(gate: Gate, repo: Program) -> tuple[Check, ...]:
    """Launch a repo that is its own base, with a command that does nothing."""
    began = time.monotonic()
    launch = await gate.launch(repo)
    is_kept = launch.ending is Ending.FINISHED and not launch.blocking and not launch.drifts
    said = launch.reason or f"launched, {len(repo.files)} files"
    return (Check(Row.REPO, Promise.PASSED, repo.name, is_kept, said, time.monotonic() - began),)


def files_of(root: Path) -> dict[str, bytes]:
    """Return the files of a folder that a repo would track: nothing hidden, no bytecode, nothing huge."""
    found = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())
    relative = ((path.relative_to(root), path) for path in found if path.stat().st_size <= FILE_BYTES)
    kept = [(where, path) for where, path in relative if not any(_is_left_out(part) for part in where.parts)]
    return {where.as_posix(): path.read_bytes() for where, path in kept[:MOST_FILES]}


def _is_left_out(part: str) -> bool:
    return part.startswith(".") or part in ("__pycache__", "wheels") or part.endswith(".pyc")
