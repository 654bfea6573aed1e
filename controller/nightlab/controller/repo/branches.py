"""Makes a branch in the user's clone by git's own lock-and-rename, without starting git there.

Touches neither the index nor a working tree nor a branch that is checked out.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from nightlab.controller.errors import RepoError
from nightlab.controller.repo.git import Git, scratch_git_dir
from nightlab.controller.repo.layout import GitLayout, packed_refs, read_ref, read_small
from nightlab.controller.text import inert


def check_branch(layout: GitLayout, branch: str, *, force: bool) -> None:
    """Refuse a branch that cannot or must not be written, before anything is.

    Raises:
        RepoError: The name is malformed, exists (unless forced), is checked out, or clashes with another branch.
    """
    ref, shown = f"refs/heads/{branch}", repr(inert(branch, 200))
    if not _is_good_name(branch, ref):
        raise RepoError(f"{shown} cannot name a branch; use letters, digits, '-', '_', '.' and '/'")
    if ref in _checked_out(layout):
        raise RepoError(f"the branch {shown} is checked out, so nightlab does not move it; choose another name")
    if not force and read_ref(layout, ref) is not None:
        raise RepoError(f"the branch {shown} exists already; choose another name, or use --force to replace it")
    for other in _clashes(layout, ref):
        raise RepoError(f"the branch {shown} cannot be beside {inert(other)!r}; choose another name")


def create_branch(layout: GitLayout, branch: str, commit: str, *, force: bool) -> None:
    """Point a branch at a commit whose objects are in the clone.

    Raises:
        RepoError: As `check_branch`, or another git process holds the branch's lock.
    """
    path = _real_path(layout.common_dir, f"refs/heads/{branch}")
    lock = path.with_name(path.name + ".lock")
    try:
        fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise RepoError(f"{lock} exists: another git is at work there; wait for it, or remove a stale lock") from None
    try:
        with os.fdopen(fd, "w") as file:
            check_branch(layout, branch, force=force)
            file.write(commit + "\n")
            file.flush()
            os.fsync(fd)
            _give_like(layout.common_dir, fd)
        lock.rename(path)
    finally:
        with suppress(FileNotFoundError):
            lock.unlink()


def _is_good_name(branch: str, ref: str) -> bool:
    # git takes a leading '-' in a ref's name, but every command that the user then types would read it as an option.
    if branch.startswith("-") or not branch.isprintable():
        return False
    with scratch_git_dir() as scratch:
        try:
            Git(scratch).run("check-ref-format", ref)
        except RepoError:
            return False
    return True


def _checked_out(layout: GitLayout) -> set[str]:
    """Refs that some working tree of this clone has checked out."""
    heads = [layout.common_dir / "HEAD", layout.git_dir / "HEAD", *layout.common_dir.glob("worktrees/*/HEAD")]
    lines = (read_small(head).strip() for head in heads if head.is_file())
    return {line.removeprefix("ref: ") for line in lines if line.startswith("ref: ")}


def _clashes(layout: GitLayout, ref: str) -> list[str]:
    """Refs that would have to be a file and a directory at once."""
    parts = ref.split("/")
    above = ["/".join(parts[:count]) for count in range(3, len(parts))]
    below = [name for name in packed_refs(layout) if name.startswith(f"{ref}/")]
    folder = layout.common_dir / ref
    below += [path.relative_to(layout.common_dir).as_posix() for path in folder.rglob("*") if path.is_file()]
    return [name for name in above if read_ref(layout, name) is not None] + below


def _real_path(common_dir: Path, ref: str) -> Path:
    """Make the directories of a ref, refusing to write through a symbolic link."""
    *folders, name = ref.split("/")
    path = common_dir
    for folder in folders:
        path = path / folder
        with suppress(FileExistsError):
            path.mkdir()
            _give_like(common_dir, path)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise RepoError(f"{path} is not a directory, so no branch can be written there; export patches instead")
    target = path / name
    if target.is_symlink():
        raise RepoError(f"{target} is a symbolic link; nightlab does not write through it. Choose another name")
    if target.is_dir():
        _remove_empty_dirs(target)
    return target


def _remove_empty_dirs(folder: Path) -> None:
    """As git does where a deleted branch "a/b" left a directory "a"."""
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        folder.rmdir()


def _give_like(model: Path, target: Path | int) -> None:
    """Root's writes into a user's clone stay the user's."""
    status = model.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        os.chown(target, status.st_uid, status.st_gid)
