"""Where a study keeps what: the state directory beside the repo.

    REPO/.nightlab/
      lock  store.sqlite3  blobs/  history.git/  events.log
      studies/<id>/report.html  report.md  trials/<number>/output-<attempt>.log  outputs/

The state directory ignores itself for git, so the base tree never holds it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAME: Final = ".nightlab"


@dataclass(frozen=True, slots=True)
class StateDir:
    """Paths below one state directory."""

    root: Path

    @classmethod
    def of_repo(cls, repo: Path) -> StateDir:
        """Return the state directory of a repo, which may not exist yet."""
        return cls(repo.resolve() / NAME)

    def create(self) -> None:
        """Make it, readable to its owner only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    @property
    def repo(self) -> Path:
        """The repo it belongs to."""
        return self.root.parent

    @property
    def blobs(self) -> Path:
        """File contents by hash."""
        return self.root / "blobs"

    @property
    def history(self) -> Path:
        """The host-owned git directory."""
        return self.root / "history.git"

    @property
    def log_file(self) -> Path:
        """Events of all sittings, one JSON object a line."""
        return self.root / "events.log"

    def study(self, study_id: str) -> Path:
        """Files of one study."""
        return self.root / "studies" / study_id

    def trial(self, study_id: str, number: int) -> Path:
        """Files of one trial."""
        return self.study(study_id) / "trials" / str(number)

    def log(self, study_id: str, number: int, attempt: int) -> Path:
        """Output of one attempt."""
        return self.trial(study_id, number) / f"output-{attempt}.log"


def make_private(directory: Path) -> None:
    """Make a directory that others may not enter, and refuse one that somebody else made.

    Raises:
        PermissionError: It belongs to another user.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to another user")


def remove_tree(directory: Path) -> None:
    """Remove a directory of ours if it is there."""
    shutil.rmtree(directory, ignore_errors=True)
