"""Writes git objects as files, without git: blobs, trees and commits into an object directory.

So nothing is configured, filtered or run, and the same content has the same id in any clone. Refs and reading belong to
others.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from nightlab.api.digest import path_error
from nightlab.controller.errors import RepoError
from nightlab.controller.repo.blobs import CHUNK_BYTES
from nightlab.controller.repo.git import SHA256
from nightlab.controller.text import inert

TREE_MODE: Final = 0o40000
_COMPRESSION: Final = 1
# What file systems that fold names may take for ".git" (git's own fsck refuses the same).
_IGNORED_BY_HFS: Final = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))


def entry_error(path: str) -> str | None:
    """Say what keeps a path out of a tree that git will hold, or None.

    Besides `path_error`: no part that some file system takes for ".git", where a file could become a hook.
    """
    if any(_is_dot_git(part) for part in path.split("/")):
        return 'has a part that some file systems take for ".git"'
    return path_error(path)


def _is_dot_git(part: str) -> bool:
    folded = part.translate(_IGNORED_BY_HFS).split(":", 1)[0].rstrip(". ").lower()
    return folded in (".git", "git~1")


@dataclass(frozen=True, slots=True)
class Person:
    """A git identity; characters that git cannot hold in one are replaced."""

    name: str
    email: str

    def line(self, at: datetime) -> bytes:
        """Return "name <email> seconds +0000", always in UTC."""
        return f"{_identity(self.name)} <{_identity(self.email)}> {int(at.timestamp())} +0000".encode()


def _identity(text: str) -> str:
    return inert(text, 200).replace("<", "(").replace(">", ")").strip() or "unknown"


class ObjectWriter:
    """Writes loose objects.

    Args:
        directory: An object directory that exists ("objects" of a git directory).
        object_format: SHA1 or SHA256, as the git directory has it.
    """

    def __init__(self, directory: Path, object_format: str) -> None:
        self._dir = directory
        self._hash = hashlib.sha256 if object_format == SHA256 else hashlib.sha1
        self._known: set[str] = set()
        status = directory.stat()
        is_foreign = os.geteuid() == 0 and status.st_uid != 0
        self._owner = (status.st_uid, status.st_gid) if is_foreign else None

    def assume(self, oids: set[str]) -> None:
        """Take objects for present, so that they are not written again."""
        self._known |= oids

    def blob(self, content: BinaryIO, size: int) -> str:
        """Write a blob of exactly size bytes and return its id.

        Raises:
            RepoError: The stream has another size.
        """
        return self._write(b"blob", content, size)

    def tree(self, entries: Mapping[str, tuple[int, str]]) -> str:
        """Write the tree of all paths, with its subtrees, and return its id.

        Args:
            entries: Path -> (mode as git has it, object id).

        Raises:
            RepoError: A path may not be in a tree, or is a file and a directory at once.
        """
        root: dict[str, object] = {}
        for path, leaf in entries.items():
            if (wrong := entry_error(path)) is not None:
                raise RepoError(f"the path {inert(path)!r} {wrong}; it cannot be part of a tree")
            _place(root, path, leaf)
        return self._tree_of(root)

    def commit(self, tree: str, parent: str | None, author: Person, committer: Person, at: datetime, text: str) -> str:
        """Write a commit and return its id: the same for the same arguments."""
        lines = [b"tree " + tree.encode()]
        if parent is not None:
            lines.append(b"parent " + parent.encode())
        lines += [b"author " + author.line(at), b"committer " + committer.line(at), b"", _message(text)]
        return self._write_bytes(b"commit", b"\n".join(lines))

    def _tree_of(self, node: Mapping[str, object]) -> str:
        rows = []
        for name, child in node.items():
            mode, oid = child if isinstance(child, tuple) else (TREE_MODE, self._tree_of(_directory(child)))
            raw = name.encode(errors="surrogateescape")
            # git sorts a directory as if its name ended with a slash.
            rows.append((raw + b"/" if mode == TREE_MODE else raw, b"%o %s\0" % (mode, raw) + bytes.fromhex(oid)))
        return self._write_bytes(b"tree", b"".join(row for _, row in sorted(rows)))

    def _write_bytes(self, kind: bytes, body: bytes) -> str:
        header = b"%s %d\0" % (kind, len(body))
        oid = self._hash(header + body).hexdigest()
        if not self._has(oid):
            fd, temporary = tempfile.mkstemp(dir=self._dir, prefix="tmp_obj_")
            with os.fdopen(fd, "wb") as file:
                file.write(zlib.compress(header + body, _COMPRESSION))
            self._publish(Path(temporary), oid)
        return oid

    def _write(self, kind: bytes, content: BinaryIO, size: int) -> str:
        digest, packer, seen = self._hash(), zlib.compressobj(_COMPRESSION), 0
        chunk = b"%s %d\0" % (kind, size)
        seen -= len(chunk)
        fd, temporary = tempfile.mkstemp(dir=self._dir, prefix="tmp_obj_")
        try:
            with os.fdopen(fd, "wb") as file:
                while chunk:
                    digest.update(chunk)
                    file.write(packer.compress(chunk))
                    seen += len(chunk)
                    chunk = content.read(CHUNK_BYTES)
                file.write(packer.flush())
            if seen != size:
                raise RepoError(f"a stored content has {seen} bytes where {size} were expected; check the disk")
            self._publish(Path(temporary), digest.hexdigest())
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108
        return digest.hexdigest()

    def _has(self, oid: str) -> bool:
        if oid not in self._known and self._path(oid).is_file():
            self._known.add(oid)
        return oid in self._known

    def _path(self, oid: str) -> Path:
        return self._dir / oid[:2] / oid[2:]

    def _publish(self, temporary: Path, oid: str) -> None:
        if self._has(oid):
            temporary.unlink()
            return
        folder = self._dir / oid[:2]
        if folder.is_symlink():
            raise RepoError(f"{folder} is a symbolic link; nightlab does not write through it")
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
            self._give(folder)
        temporary.chmod(0o444)
        self._give(temporary)
        temporary.rename(self._path(oid))
        self._known.add(oid)

    def _give(self, path: Path) -> None:
        """Root's writes into a user's clone stay the user's, or their own git could not go on there."""
        if self._owner is not None:
            os.chown(path, *self._owner, follow_symlinks=False)


def _place(root: dict[str, object], path: str, leaf: tuple[int, str]) -> None:
    *folders, name = path.split("/")
    node = root
    for folder in folders:
        child = node.setdefault(folder, {})
        if not isinstance(child, dict):
            raise RepoError(f"{inert(path)!r}: {inert(folder)!r} is a file and a directory at once")
        node = child
    if name in node:
        raise RepoError(f"{inert(path)!r} is a file and a directory at once")
    node[name] = leaf


def _directory(child: object) -> Mapping[str, object]:
    assert isinstance(child, dict)
    return child


def _message(text: str) -> bytes:
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").rstrip(b"\n") + b"\n"
