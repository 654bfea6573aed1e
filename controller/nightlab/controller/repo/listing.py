"""Lists the files of a working tree: tracked ones, and untracked ones that no ignore file names.

Submodules and repos inside the repo are listed as what they are on disk: more files. Reading the files belongs to
`snapshot`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nightlab.controller.errors import RepoError
from nightlab.controller.repo.git import Git, scratch_git_dir, user_excludes_file
from nightlab.controller.repo.layout import GitLayout, find_layout, read_head, refuse_git_dir

STATE_DIR: Final = ".nightlab"
_GITLINK: Final = 0o160000
_NESTING: Final = 16


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one directory, as paths relative to it.

    Attributes:
        tracked: Path -> mode in the index. Some may be gone from disk.
        untracked: Paths that are neither tracked nor ignored.
        dirty: Paths that differ from HEAD, untracked ones included.
        nested: Directories that are repos of their own.
        head: The commit; None before the first and outside of git.
        branch: None when HEAD is detached and outside of git.
        is_git: Whether the directory is in a clone.
        has_file_mode: False where the executable bit on disk means nothing.
    """

    tracked: Mapping[str, int] = field(default_factory=dict)
    untracked: frozenset[str] = frozenset()
    dirty: frozenset[str] = frozenset()
    nested: frozenset[str] = frozenset()
    head: str | None = None
    branch: str | None = None
    is_git: bool = False
    has_file_mode: bool = True


def list_files(root: Path) -> Listing:
    """List a repo, or a folder of a clone, or a directory that is not under git.

    Args:
        root: The directory; every path in the result is relative to it.

    Raises:
        RepoError: A `.git` is unusable or a name is not UTF-8.
    """
    root = Path(os.path.realpath(root))
    layout = find_layout(root, upwards=True)
    refuse_git_dir(root, layout)
    if layout is not None:
        prefix = root.relative_to(layout.top).as_posix()
        listing = _list_clone(layout, "" if prefix == "." else f"{prefix}/")
        # A folder that a larger clone ignores is not that clone's.
        if listing.tracked or listing.untracked or root == layout.top:
            return _with_nested(root, listing, depth=0)
    return _with_nested(root, _list_plain(root), depth=0)


def _list_clone(layout: GitLayout, prefix: str) -> Listing:
    head, branch = read_head(layout)
    with _borrowed_git(layout) as git:
        where = ("--", prefix) if prefix else ()
        tracked = dict(_index_entries(git.run("ls-files", "-z", "--stage", *where)))
        others = _names(git.run("ls-files", "-z", "--others", "--exclude-standard", *where))
        changed = _names(_changed(git, head, where)) if head else list(tracked)
    listing = _sorted_out(_cut(tracked, prefix), [name.removeprefix(prefix) for name in others])
    files = {path for path in (name.removeprefix(prefix) for name in changed) if path not in listing.nested}
    return replace(
        listing,
        dirty=frozenset(path for path in files | listing.untracked if not _is_state(path)),
        head=head,
        branch=branch,
        is_git=True,
        has_file_mode=layout.has_file_mode,
    )


def _changed(git: Git, head: str, where: tuple[str, ...]) -> bytes:
    # Without the refresh, a file that was only touched counts as changed. Submodules are never entered: git would run
    # `git status` there, under the submodule's own configuration.
    git.run("update-index", "-q", "--ignore-submodules", "--refresh", ok=(0, 1))
    options = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
    return git.run("diff-index", *options, head, *where)


@contextmanager
def _borrowed_git(layout: GitLayout) -> Iterator[Git]:
    """Git on a copy of the clone's index and its lent objects, without its configuration."""
    with scratch_git_dir(object_format=layout.object_format, lent_objects=[layout.objects]) as scratch:
        _copy_regular(layout.git_dir / "index", scratch / "index")
        for shared in layout.git_dir.glob("sharedindex.*"):
            _copy_regular(shared, scratch / shared.name)
        # Our own attributes file would hide the tree's line-ending rules, by which git decides what has changed.
        (scratch / "info/attributes").unlink()
        _copy_regular(layout.common_dir / "info/attributes", scratch / "info/attributes")
        _copy_regular(layout.common_dir / "info/exclude", scratch / "info/exclude")
        yield _git_with_excludes(scratch, layout.top, has_file_mode=layout.has_file_mode)


def _git_with_excludes(scratch: Path, work_tree: Path, *, has_file_mode: bool = True) -> Git:
    excludes = user_excludes_file(scratch)
    settings = [f"core.fileMode={'true' if has_file_mode else 'false'}", f"core.excludesFile={excludes or '/dev/null'}"]
    return Git(scratch, work_tree=work_tree, settings=settings)


def _copy_regular(source: Path, target: Path) -> None:
    """Copy a file with its times: git trusts an index entry's stat only if the file is older than the index."""
    if not source.is_file():
        return
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise RepoError(f"{source} cannot be read: {error.strerror}") from error


def _list_plain(root: Path) -> Listing:
    with scratch_git_dir() as scratch:
        others = _names(_git_with_excludes(scratch, root).run("ls-files", "-z", "--others", "--exclude-standard"))
    return _sorted_out({}, others)


def _sorted_out(index: Mapping[str, int], others: Iterable[str]) -> Listing:
    """Tell files from nested repos, and leave out what is never part of a base tree."""
    found = list(others)
    environments = tuple(f"{os.path.dirname(path)}/" for path in found if os.path.basename(path) == "pyvenv.cfg")  # noqa: PTH119, PTH120
    environments = tuple(env for env in environments if env != "/")
    untracked = {p for p in found if not _is_left_out(p, environments)}
    repos = {path.rstrip("/") for path in untracked if path.endswith("/")}
    links = {path for path, mode in index.items() if mode == _GITLINK}
    return Listing(
        tracked={path: mode for path, mode in index.items() if mode != _GITLINK and not _is_state(path)},
        untracked=frozenset(path for path in untracked if not path.endswith("/")),
        nested=frozenset(repos | links),
    )


def _is_state(path: str) -> bool:
    return path.split("/", 1)[0] == STATE_DIR


def _is_left_out(path: str, environments: tuple[str, ...]) -> bool:
    return _is_state(path) or "__pycache__" in path.split("/") or path.startswith(environments)


def _with_nested(root: Path, listing: Listing, *, depth: int) -> Listing:
    if depth > _NESTING:
        raise RepoError(f"{root}: repos lie more than {_NESTING} deep in one another; git-ignore the inner ones")
    tracked, untracked, dirty = dict(listing.tracked), set(listing.untracked), set(listing.dirty)
    for folder in sorted(listing.nested):
        inner = _list_nested(root / folder, depth=depth + 1)
        tracked |= {f"{folder}/{path}": mode for path, mode in inner.tracked.items()}
        untracked |= {f"{folder}/{path}" for path in inner.untracked}
        dirty |= {f"{folder}/{path}" for path in inner.dirty}
    return replace(listing, tracked=tracked, untracked=frozenset(untracked), dirty=frozenset(dirty))


def _list_nested(folder: Path, *, depth: int) -> Listing:
    """A submodule that was not checked out is empty; one without a usable `.git` is a plain directory."""
    if folder.is_symlink() or not folder.is_dir():
        return Listing()
    try:
        layout = find_layout(folder, upwards=False)
    except RepoError:
        layout = None
    listing = _list_clone(layout, "") if layout is not None else _list_plain(folder)
    return _with_nested(folder, listing, depth=depth)


def _index_entries(listed: bytes) -> Iterator[tuple[str, int]]:
    for item in listed.split(b"\0")[:-1]:
        facts, _, name = item.partition(b"\t")
        yield _decoded(name), int(facts.split(b" ", 1)[0], 8)


def _cut(tracked: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {path.removeprefix(prefix): mode for path, mode in tracked.items()}


def _names(listed: bytes) -> list[str]:
    return [_decoded(name) for name in listed.split(b"\0")[:-1]]


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        shown = ascii(name)[2:-1]
        raise RepoError(f'the file name "{shown}" is not UTF-8; rename the file, or add it to .gitignore') from None
