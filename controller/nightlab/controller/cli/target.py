"""Which study a command means: the repo's state directory and, unless one is named, its newest study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from nightlab.controller.errors import ConfigError
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.report.view import StudyView
from nightlab.controller.store import Store, StudyRecord, open_reader
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.view import ViewBuilder

RepoOption = Annotated[Path, typer.Option("--repo", "-C", help="The repo, if not the current directory.")]
StudyOption = Annotated[str, typer.Option("--study", help="A study's id; the newest one if not given.")]
HERE = Path()


@dataclass(frozen=True, slots=True)
class Target:
    """An open state directory and the study that is meant."""

    state: StateDir
    store: Store
    study: StudyRecord

    @property
    def history(self) -> History:
        """The host-owned git history of the repo's studies."""
        return History(self.state.history, BlobStore(self.state.blobs))

    def view(self, *, with_details: bool = False) -> StudyView:
        """Return the picture of the study."""
        return ViewBuilder(self.store, self.state, self.history).study(self.study.id, with_details=with_details)


def find(repo: Path, study_id: str) -> Target:
    """Open the study for reading.

    Raises:
        ConfigError: The directory does not exist.
        StoreError: There is no store, or no such study, or the repo came with a store.
    """
    if not repo.is_dir():
        raise ConfigError(f"{repo} is not a directory")
    state = StateDir.of_repo(repo)
    state.require_ours()
    store = Store(open_reader(state.root))
    return Target(state, store, store.study(study_id) if study_id else store.studies()[-1])
