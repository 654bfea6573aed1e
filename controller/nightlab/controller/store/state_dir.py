"""Where a study keeps what: the state directory beside the repo.

    REPO/.nightlab/
      inode  lock  store.sqlite3  blobs/  history.git/  events.log
      studies/<id>/report.html  report.md  trials/<number>/output-<attempt>.log  outputs/

The state directory ignores itself for git, so the base tree never holds it. A repo that somebody else made may come
with a `.nightlab` of theirs: links for us to write through, a git directory with hooks. So the directory that we made
holds its own inode number, which nobody can know who did not make it here, and no other one is used.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nightlab.controller.errors import StoreError

NAME: Final = ".nightlab"
MARKER: Final = "inode"
MARKER_BYTES: Final = 32
_EMPTY: Final = frozenset({"lost+found"})  # of a file system of its own
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class StateDir:
    """Paths below one state directory."""

    root: Path

    @classmethod
    def of_repo(cls, repo: Path) -> StateDir:
        """Return the state directory of a repo, which may not exist yet."""
        return cls(repo.resolve() / NAME)

    def create(self) -> None:
        """Make it, readable to its owner only, or find the one that was made.

        Raises:
            StoreError: One is there that we did not make, or it cannot be made.
        """
        try:
            if not os.path.lexists(self.root):
                self._make()
            elif not self.root.is_symlink() and self.root.is_dir() and _is_empty(self.root):
                _mark(self.root)  # a mount point
        except OSError as error:
            raise StoreError(f"{self.root} cannot be made: {error.strerror}") from error
        self.require_ours()

    def _make(self) -> None:
        """Make it complete under another name first: two processes may do so at once."""
        new = self.root.with_name(f"{NAME}.{os.urandom(4).hex()}")
        new.mkdir(mode=0o700)
        try:
            _mark(new)
            new.rename(self.root)
        except OSError as error:
            remove_tree(new)
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise

    def require_ours(self) -> None:
        """Refuse a directory that did not come from `create`; one that is not there is no matter.

        Raises:
            StoreError: It may be the trap of a repo from elsewhere.
        """
        try:
            status = os.lstat(self.root)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise StoreError(f"{self.root} is not a directory of uid {os.geteuid()}", hint="move it aside")
        if _marked(self.root) != str(status.st_ino):
            raise StoreError(
                f"{self.root} was not made by nightlab on this file system: it came with the repo, or was copied",
                hint=f"move it aside; if you copied your own, take it over with "
                f"`stat -c %i {shlex.quote(str(self.root))} > {shlex.quote(str(self.root / MARKER))}`",
            )

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


def _is_empty(directory: Path) -> bool:
    return all(path.name in _EMPTY for path in directory.iterdir())


def _mark(directory: Path) -> None:
    _write_new(directory / ".gitignore", "*\n")
    _write_new(directory / MARKER, str(directory.stat().st_ino))


def _write_new(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, _NEW, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def _marked(directory: Path) -> str:
    try:
        fd = os.open(directory / MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            return file.read(MARKER_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return ""


def make_private(directory: Path) -> None:
    """Make a directory that others may not enter, and refuse one that somebody else made.

    Raises:
        PermissionError: It belongs to another user.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to another user")


def remove_tree(directory: Path) -> None:
    """Remove a directory of ours if it is there, however deep others let it grow."""
    try:
        shutil.rmtree(directory, ignore_errors=True)
    except RecursionError:
        _flatten(directory)
        shutil.rmtree(directory, ignore_errors=True)


def _flatten(directory: Path) -> None:
    """Move every directory below one right into it, level by level, so that no path is longer than the system takes."""
    moved = -1
    count = 0
    while moved != count:
        moved = count
        for child in [entry.path for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]:
            for inner in [entry.path for entry in os.scandir(child) if entry.is_dir(follow_symlinks=False)]:
                Path(inner).rename(directory / f".deeper-{count}")
                count += 1
