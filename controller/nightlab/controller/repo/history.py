"""Keeps every edit of a study with its author, in a bare git repository that only the host writes.

Never a `.git` that a container wrote. Contents come from the study's blob store; what an edit means belongs to the
gate, and carrying the best tree back to the user's repo to `export`.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from nightlab.controller.errors import RepoError, StoreError
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.repo.authors import NIGHTLAB, commit_message, person
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.git import SHA1, Git, make_git_dir
from nightlab.controller.repo.loose import Hashed, blob_parts
from nightlab.controller.repo.objects import ObjectWriter

EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
DIFF_MAX_BYTES: Final = 4 * 2**20
_OID: Final = re.compile(r"[0-9a-f]{40}")
_STUDY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ID_LINE: Final = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{40})\n")


@dataclass(frozen=True, slots=True)
class RecordedEdit:
    """One commit of the history.

    Attributes:
        commit: Its id.
        author: "base", "action:<plugin>/<name>", "agent", ...
        message: With its trailers.
        at_unix_s: When the edit was made.
    """

    commit: str
    author: str
    message: str
    at_unix_s: int


class History:
    """The edits of a study.

    One process writes it; any thread of it may. Commits have the same id whenever their arguments are the same.

    Args:
        directory: Of the bare repository; made if it does not exist.
        blobs: Holds the contents of every tree that is committed.
    """

    def __init__(self, directory: Path, blobs: BlobStore) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (directory / "HEAD").is_file():
            make_git_dir(directory)
        self._dir = directory
        self._blobs = blobs
        self._git = Git(directory)
        self._writer = ObjectWriter(directory / "objects", SHA1)
        self._ids_path = directory / "nightlab-blob-ids"
        self._ids = _read_ids(self._ids_path)
        self._lock = threading.Lock()
        blobs.backed_by(self.content)

    def content(self, sha256: str) -> Iterator[bytes]:
        """Yield the parts of a content that was committed. Whether it has its hash is the reader's to check.

        Raises:
            KeyError: It was never committed, or its object is gone.
        """
        # Another one of the same directory may have committed it: a study has one to write and one to read.
        oid = self._ids.get(sha256) or _read_ids(self._ids_path).get(sha256)
        if oid is None:
            raise KeyError(sha256)
        return blob_parts(self._dir / "objects", oid)

    def commit(
        self,
        tree: Tree,
        *,
        parent: str | None,
        author: str,
        message: str,
        trailers: Mapping[str, str] | None = None,
        at: datetime,
    ) -> str:
        """Record a tree and return the commit's id.

        Args:
            tree: Its contents are in the blob store.
            parent: The commit that was edited; None for the base tree.
            author: Who made the edit, in DESIGN.md's words.
            message: What was done and why.
            trailers: Facts for machines, "Name: value".
            at: When, with a time zone.

        Raises:
            ValueError: An argument is malformed.
            RepoError: A path may not be in a tree.
            StoreError: A content is missing.
        """
        if at.tzinfo is None:
            raise ValueError("the time of an edit needs a time zone")
        text, who = commit_message(message, trailers or {}), person(author)
        if parent is not None:
            _check_oid(parent)
        with self._lock:
            root = self._writer.tree({entry.path: (entry.mode, self._oid(entry)) for entry in tree.entries})
            return self._writer.commit(root, parent, who, NIGHTLAB, at, text)

    def diff(
        self, before: str | None, after: str, paths: Sequence[str] = (), *, max_bytes: int = DIFF_MAX_BYTES
    ) -> str:
        """Return the unified diff of two commits, made by no driver but git's own.

        Args:
            before: A commit; None for nothing at all.
            after: A commit.
            paths: Only these files and directories; empty: all.
            max_bytes: A longer diff is cut at a line and says so. The text is the repo's: make it inert to show it.

        Raises:
            RepoError: A commit is not in the history.
        """
        _check_oid(after)
        first = EMPTY_TREE if before is None else _check_oid(before)
        options = ("-p", "-r", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--full-index")
        made = self._git.run("diff-tree", *options, first, after, "--", *paths)
        if len(made) <= max_bytes:
            return made.decode(errors="replace")
        kept = made[: made.rfind(b"\n", 0, max_bytes) + 1]
        return kept.decode(errors="replace") + f"({len(made) - len(kept)} more bytes of this diff are not shown)\n"

    def edits(self, tip: str, *, since: str | None = None) -> tuple[RecordedEdit, ...]:
        """List the edits that lead to a commit, oldest first.

        Args:
            tip: The last commit.
            since: The last one that is not listed; None: from the base tree on, which is the first in the list.

        Raises:
            RepoError: A commit is not in the history.
        """
        span = [_check_oid(tip)] if since is None else [_check_oid(tip), f"^{_check_oid(since)}"]
        listed = self._git.run("log", "-z", "--reverse", "--first-parent", "--format=%H%n%an%n%at%n%B", *span, "--")
        return tuple(_recorded(item) for item in listed.decode(errors="replace").split("\0") if item)

    def mark(self, study: str, number: int, commit: str) -> None:
        """Name a commit as a trial's tree: refs/nightlab/<study>/trial/<number>. A later call moves the name."""
        self._write_ref(self._ref_path(study, number), commit)

    def mark_drift(self, study: str, name: str, commit: str) -> None:
        """Name a commit as what something wrote unasked: refs/nightlab/drift/<study>/<name>.

        Args:
            study: Id of the study.
            name: Letters, digits and '-': "t4-a1-0".
            commit: Its parent is what had been proposed.
        """
        if _STUDY.fullmatch(study) is None or _STUDY.fullmatch(name) is None:
            raise ValueError(f"{study!r} and {name!r} cannot name a drift")
        self._write_ref(self._dir / "refs/nightlab/drift" / study / name, commit)

    def _write_ref(self, path: Path, commit: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(dir=self._dir)
        with os.fdopen(fd, "w") as file:
            file.write(_check_oid(commit) + "\n")
        os.replace(temporary, path)  # noqa: PTH105

    def marked(self, study: str, number: int) -> str | None:
        """Return the commit of a trial's tree, or None if it has none."""
        try:
            return _check_oid(self._ref_path(study, number).read_text().strip())
        except FileNotFoundError:
            return None

    def _ref_path(self, study: str, number: int) -> Path:
        if _STUDY.fullmatch(study) is None or number < 0:
            raise ValueError(f"{study!r} and {number} cannot name a trial")
        return self._dir / "refs/nightlab" / study / "trial" / str(number)

    def _oid(self, entry: Entry) -> str:
        """The blob's id; its content is written the first time that it is seen."""
        oid = self._ids.get(entry.sha256)
        if oid is not None:
            return oid
        try:
            with self._blobs.open(entry.sha256) as content:
                checked = Hashed(content)
                oid = self._writer.blob(cast(BinaryIO, checked), entry.size)
        except KeyError:
            raise StoreError(f"the content of {entry.path!r} ({entry.sha256[:12]}) is not in the blob store") from None
        if checked.hexdigest != entry.sha256:
            raise StoreError(
                f"the stored content of {entry.path!r} ({entry.sha256[:12]}) was changed before it was committed",
                hint="check who else writes to the state directory; then start a new study",
            )
        # Only after the object is there: a kill in between costs a second write, never a wrong id.
        with self._ids_path.open("ab") as file:
            file.write(f"{entry.sha256} {oid}\n".encode())
        self._ids[entry.sha256] = oid
        return oid


def _read_ids(path: Path) -> dict[str, str]:
    """Read the map of content hashes to git ids; a line that a kill cut short is passed over."""
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    matches = (_ID_LINE.fullmatch(line) for line in lines)
    return {match[1].decode(): match[2].decode() for match in matches if match is not None}


def _check_oid(oid: str) -> str:
    if _OID.fullmatch(oid) is None:
        raise RepoError(f"{oid!r} is not a commit of the history")
    return oid


def _recorded(item: str) -> RecordedEdit:
    commit, author, at, text = item.split("\n", 3)
    return RecordedEdit(commit=commit, author=author, message=text.rstrip("\n"), at_unix_s=int(at))
