"""A private directory in which tools find the repo's own modules (empty) and configs (cut down), and nothing else."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from nightlab.controller.explain.who.config import ruff_configs
from nightlab.controller.explain.who.ruff import Ruff

MOST_MODULES: Final = 3_000
TELLING_S: Final = 4.0
RUFF_TARGETS: Final = ((3, 7), (3, 15))


@dataclass(frozen=True)
class Workshop:
    """Where replays are made.

    Attributes:
        folder: The directory.
        ruff: Runs there.
        python: Version of the interpreter that runs the program; None if not known.
        repo_config: The repo's configs by path.
        has_ruff_config: Whether one of them is ruff's.
        deadline: time.monotonic() after which nothing more is looked for: the answer is what is known so far.
        over: time.monotonic() after which no tool runs any more, not even to tell what was found.
    """

    folder: Path
    ruff: Ruff
    python: tuple[int, int] | None
    repo_config: Mapping[str, bytes]
    has_ruff_config: bool
    deadline: float
    over: float

    @property
    def target(self) -> str:
        """ruff's name of the interpreter's version; empty if not known."""
        if self.python is None:
            return ""
        low, high = RUFF_TARGETS
        major, minor = min(max(tuple(self.python), low), high)
        return f"py{major}{minor}"

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.deadline

    @property
    def is_over(self) -> bool:
        """Whether no tool may run any more."""
        return time.monotonic() >= self.over


@contextmanager
def workshop(
    paths: Sequence[str], python: tuple[int, int] | None, repo_config: Mapping[str, bytes], limit_s: float
) -> Iterator[Workshop]:
    """Make a workshop below the current directory, and remove it.

    Args:
        paths: All paths of the tree: which modules are the repo's own decides how imports are sorted.
        python: As of Workshop.
        repo_config: As of Workshop.
        limit_s: From now to the deadline.
    """
    deadline = time.monotonic() + limit_s
    over = deadline + TELLING_S
    with tempfile.TemporaryDirectory(prefix="workshop-", dir=Path.cwd()) as name:
        folder = Path(name).resolve()
        _lay_out(folder, paths)
        configs = ruff_configs(repo_config)
        for path, text in configs.items():
            _write(folder, path, text)
        if not any(path in configs for path in (".ruff.toml", "ruff.toml")) and "[tool.ruff" not in configs.get(
            "pyproject.toml", ""
        ):
            (folder / "ruff.toml").touch()  # whatever lies above is not looked for
        has_config = any("[tool.ruff" in text or not path.endswith("pyproject.toml") for path, text in configs.items())
        yield Workshop(folder, Ruff(folder, over), python, repo_config, has_config, deadline, over)


def _lay_out(folder: Path, paths: Sequence[str]) -> None:
    """Make empty modules, those near the top first: first-party names are looked for there."""
    modules = sorted((path for path in paths if path.endswith((".py", ".pyi"))), key=lambda path: path.count("/"))
    for path in modules[:MOST_MODULES]:
        _write(folder, path, "")


def _write(folder: Path, path: str, text: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts or len(path) > 1000 or "\0" in path:
        return
    place = folder / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    except OSError:
        return
