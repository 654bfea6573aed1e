"""MakeSeed and LinkSeed: what an image's build made beside the sources, copied once and then shared by all trials.

A seed holds what git does not track: data sets, compiled extensions, caches. Small files are copied into a workspace,
so that code may change them; large ones are links into the read-only seed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nightlab.api.digest import path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import invalid, over_limit, printable
from nightlab.sandbox.paths import (
    DIRECTORY,
    READ,
    Found,
    is_directory,
    is_link,
    is_regular,
    list_directory,
    open_below,
    open_root,
    walk_directory,
)
from nightlab.sandbox.stamp import Identity, identity

LARGE_BYTES: Final = 64 * 1024 * 1024
LARGE_LISTED: Final = 20
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_COPY_BYTES: Final = 1024 * 1024
_NEVER_SEEDED: Final = frozenset({".git", ".hg", ".svn", ".nightlab"})
_EXTENSIONS: Final = (".so", ".pyd")


@dataclass(slots=True)
class Made:
    """What LinkSeed made, by absolute path, and how it was when it was made.

    Attributes:
        files: Files and links.
        directories: Those that it made, or found there.
    """

    files: dict[str, Identity] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)


def make_seed(request: pb.MakeSeed) -> pb.MakeSeedResult:
    """Copy what is untracked below a directory, empty directories too, owned by the supervisor and readable to all.

    What cannot be read (a socket, a file that is closed even to root) is left out. So is bytecode beside tracked
    sources, which could be older than they are. A source that the image does not have makes an empty seed.

    Raises:
        Refused: More bytes or entries than allowed, or the seed lies inside its source.
        OSError: The seed's volume is missing or full.
    """
    source, seed = os.path.realpath(request.source), os.path.realpath(request.seed)
    if f"{seed}/".startswith(f"{source}/") and source != "/":
        raise invalid(f"seed {seed} lies inside its source {source}")
    result = pb.MakeSeedResult()
    left_out = frozenset(request.tracked) | {
        f"{directory}/__pycache__".lstrip("/") for directory in {path.rpartition("/")[0] for path in request.tracked}
    }
    if not Path(source).is_dir():
        return result
    Path(seed).mkdir(mode=0o755, parents=True, exist_ok=True)
    with open_root(source) as from_root, open_root(seed) as to_root:
        for found in _walk(from_root, left_out):
            if is_directory(found):
                os.close(_make_directories(to_root, found.path, 0o755))
                result.directories += 1
            else:
                _copy_to_seed(from_root, to_root, found, request, result)
    return result


def _walk(root: int, left_out: frozenset[str] = frozenset()) -> Iterator[Found]:
    """Yield every name below a root, a directory before what is in it, without some paths and what is below them."""
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            with open_below(root, directory) as fd:
                for found in walk_directory(fd, directory):
                    if path_error(found.path) is not None or (not directory and found.name in _NEVER_SEEDED):
                        continue
                    if found.path in left_out:
                        continue
                    yield found
                    if is_directory(found):
                        waiting.append(found.path)
        except OSError:
            continue  # closed to us: the access probe names it


def _copy_to_seed(from_root: int, to_root: int, found: Found, request: pb.MakeSeed, result: pb.MakeSeedResult) -> None:
    if not (is_regular(found) or is_link(found)) or found.stat is None:
        return
    if result.files >= request.max_entries:
        raise over_limit(f"{request.source} holds more than {request.max_entries} files that the repo does not track")
    size = found.stat.st_size
    if result.bytes + size > request.max_bytes:
        raise over_limit(
            f"{request.source} holds more than {request.max_bytes} bytes that the repo does not track "
            f"(at {printable(found.path)!r})"
        )
    if _copy(from_root, to_root, found, directory_mode=0o755, file_mode=0o644):
        result.files += 1
        result.bytes += size
        if size > LARGE_BYTES and len(result.large) < LARGE_LISTED:
            result.large.append(printable(found.path))


def link_seed(request: pb.LinkSeed, made: Made) -> pb.LinkSeedResult:
    """Make a seed appear under a root, leaving what exists there alone, and hiding no source of it from Python.

    Args:
        request: The host's.
        made: Takes what is the seed's.

    Raises:
        OSError: The seed or the root is missing, or the workspace is full.
    """
    result = pb.LinkSeedResult()
    with open_root(request.seed) as seed, open_root(request.root) as root:
        _Linking(request, seed, root, result, made).run()
    return result


class _Linking:
    """One LinkSeed under way."""

    def __init__(self, request: pb.LinkSeed, seed: int, root: int, result: pb.LinkSeedResult, made: Made) -> None:
        self._request = request
        self._seed = seed
        self._root = root
        self._result = result
        self._made = made

    def run(self) -> None:
        """Go through the seed; a directory's own files come before the directories in it."""
        waiting = [""]
        while waiting:
            directory = waiting.pop()
            with open_below(self._seed, directory) as fd:
                names = list_directory(fd, directory)
            for found in names:
                there = _lies_there(self._root, found.path)
                if (there is not None and _is_closed(found, there)) or self._hides(found):
                    continue
                if is_directory(found) and (there is None or stat.S_ISDIR(there.st_mode)):
                    if there is not None or self._fits(found.path):
                        os.close(_make_directories(self._root, found.path, 0o1777))
                        self._made.directories.add(self._absolute(found.path))
                        waiting.append(found.path)
                    else:
                        self._link(found.path)
                elif there is None:
                    self._place(found)

    def _hides(self, found: Found) -> bool:
        """Whether Python would import it in the place of a source of the tree: what was compiled of an older one."""
        stem = found.name.partition(".")[0]
        directory = found.path.rpartition("/")[0]
        source = f"{directory}/{stem}.py".lstrip("/")
        there = _lies_there(self._root, source)
        is_tree_s = there is not None and stat.S_ISREG(there.st_mode) and self._absolute(source) not in self._made.files
        return is_tree_s and (found.name.endswith(_EXTENSIONS) or (is_directory(found) and self._is_package(found)))

    def _is_package(self, found: Found) -> bool:
        with open_below(self._seed, found.path) as fd, os.scandir(fd) as names:
            return any(entry.name.partition(".")[0] == "__init__" for entry in names)

    def _fits(self, directory: str) -> bool:
        """Whether a whole directory can still be made file by file."""
        room = self._request.max_entries - self._result.copied - self._result.linked
        with open_below(self._seed, directory) as fd:
            return all(count < room for count, _ in enumerate(_walk(fd)))

    def _place(self, found: Found) -> None:
        small = found.stat is not None and found.stat.st_size <= self._request.copy_limit_bytes
        if is_link(found) or (is_regular(found) and small):
            _copy(self._seed, self._root, found, directory_mode=0o1777, file_mode=0o666)
            self._result.copied += 1
            self._note(found.path)
        else:
            self._link(found.path)

    def _link(self, path: str) -> None:
        directory, _, name = path.rpartition("/")
        parent = _make_directories(self._root, directory, 0o1777)
        try:
            os.symlink(f"{self._request.seed.rstrip('/')}/{path}", name, dir_fd=parent)
        finally:
            os.close(parent)
        self._result.linked += 1
        self._note(path)

    def _note(self, path: str) -> None:
        there = _lies_there(self._root, path)
        self._made.files[self._absolute(path)] = identity(there) if there is not None else ()

    def _absolute(self, path: str) -> str:
        return f"{self._request.root.rstrip('/')}/{path}"


def _is_closed(found: Found, there: os.stat_result) -> bool:
    """Whether it is bytecode beside sealed sources, which they must not be run from."""
    return found.name == "__pycache__" and there.st_uid == os.geteuid() and stat.S_IMODE(there.st_mode) == 0o555


def _lies_there(root: int, path: str) -> os.stat_result | None:
    directory, _, name = path.rpartition("/")
    try:
        with open_below(root, directory) as parent:
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return None


def _copy(from_root: int, to_root: int, found: Found, *, directory_mode: int, file_mode: int) -> bool:
    """Copy a file or link to the same path of another root; False if it cannot be read."""
    directory, _, name = found.path.rpartition("/")
    try:
        with open_below(from_root, directory) as parent:
            target = os.readlink(name, dir_fd=parent) if is_link(found) else ""
            source = -1 if target else os.open(name, READ, dir_fd=parent)
    except OSError:
        return False
    try:
        to_parent = _make_directories(to_root, directory, directory_mode)
        try:
            if target:
                os.symlink(target, name, dir_fd=to_parent)
            else:
                _copy_content(source, to_parent, name, file_mode)
        finally:
            os.close(to_parent)
    finally:
        if source >= 0:
            os.close(source)
    return True


def _make_directories(root: int, directory: str, mode: int) -> int:
    """Open a directory below a root, making what is missing; the caller closes it."""
    fd = os.dup(root)
    for part in directory.split("/") if directory else ():
        made = False
        try:
            try:
                os.mkdir(part, 0o700, dir_fd=fd)
                made = True
            except FileExistsError:
                pass  # a directory of ours or of the tree: opened without following links below
            deeper = os.open(part, DIRECTORY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = deeper
        if made:
            os.fchmod(fd, mode)
    return fd


def _copy_content(source: int, parent: int, name: str, mode: int) -> None:
    status = os.fstat(source)
    if not stat.S_ISREG(status.st_mode):
        return
    target = os.open(name, _CREATE, 0o600, dir_fd=parent)
    try:
        remaining = status.st_size
        while remaining > 0:
            copied = os.sendfile(target, source, None, min(remaining, _COPY_BYTES))
            if copied == 0:
                break
            remaining -= copied
        os.fchmod(target, mode | (0o111 if status.st_mode & 0o100 else 0))
    finally:
        os.close(target)
