"""Finds a repo's git directory and reads the few facts needed of it, as data.

Knows ordinary clones, linked worktrees and submodules (`.git` as a file), and repos that are a folder of a larger one.
Listing files belongs to `listing`, objects to `objects`.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nightlab.controller.errors import RepoError
from nightlab.controller.repo.git import SHA1, SHA256, Git, scratch_git_dir
from nightlab.controller.text import inert

_OID: Final = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})")
_SMALL_FILE_BYTES: Final = 64 * 1024
_PACKED_REFS_BYTES: Final = 256 * 2**20
_SYMBOLIC_DEPTH: Final = 5


@dataclass(frozen=True, slots=True)
class GitLayout:
    """Where a clone keeps what.

    Attributes:
        top: The working tree's root.
        git_dir: HEAD and index: of this working tree alone.
        common_dir: Objects, refs and config: shared by linked worktrees.
        object_format: SHA1 or SHA256.
        has_file_mode: False where the file system's executable bits mean nothing (core.fileMode).
    """

    top: Path
    git_dir: Path
    common_dir: Path
    object_format: str
    has_file_mode: bool

    @property
    def objects(self) -> Path:
        """The object directory."""
        return self.common_dir / "objects"


def find_layout(start: Path, *, upwards: bool) -> GitLayout | None:
    """Find the clone that a directory is the root of or, upwards, lies in.

    Raises:
        RepoError: There is a `.git` that is not usable; the text says why.
    """
    top = Path(os.path.realpath(start))
    while not os.path.lexists(top / ".git"):
        if not upwards or top == top.parent:
            return None
        top = top.parent
    git_dir = _git_dir(top / ".git")
    common = _common_dir(git_dir)
    facts = _facts(common / "config")
    _check_format(top, facts)
    return GitLayout(
        top=top,
        git_dir=git_dir,
        common_dir=common,
        object_format=facts.get("extensions.objectformat", SHA1).lower(),
        has_file_mode=facts.get("core.filemode", "true").lower() not in ("false", "no", "off", "0"),
    )


def refuse_git_dir(root: Path, layout: GitLayout | None) -> None:
    """Refuse what has no working tree: a bare repository, git's own directory of a clone, and folders of them.

    Raises:
        RepoError: It is one.
    """
    for folder in (root, *root.parents):
        if layout is not None and folder == layout.top:
            return
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir():
            raise RepoError(
                f"{inert(str(folder), 300)!r} is a git directory (a bare repository?) without a working tree",
                hint="give the directory that the files lie in; `git clone` makes one of a bare repository",
            )


def _git_dir(dot_git: Path) -> Path:
    found = Path(os.path.realpath(dot_git))
    if found.is_file():
        line = read_small(found).strip()
        if not line.startswith("gitdir: "):
            raise RepoError(f"{dot_git} is a file but does not name a git directory; repair it or remove it")
        found = Path(os.path.realpath(found.parent / line.removeprefix("gitdir: ")))
    if not found.is_dir() or not (found / "HEAD").is_file():
        raise RepoError(f"{dot_git} leads to {found}, which is not a git directory; repair the clone, or remove .git")
    return found


def _common_dir(git_dir: Path) -> Path:
    pointer = git_dir / "commondir"
    common = Path(os.path.realpath(git_dir / read_small(pointer).strip())) if pointer.is_file() else git_dir
    if not (common / "objects").is_dir():
        raise RepoError(f"{common} has no objects directory; repair the clone (git fsck), or remove .git")
    return common


def _facts(config: Path) -> dict[str, str]:
    """Read the user's config as data; `--file` neither applies it nor follows its includes."""
    if not config.is_file():
        return {}
    with scratch_git_dir() as scratch:
        listed = Git(scratch).run("config", "--file", str(config), "--no-includes", "--null", "--list", ok=(0, 1, 128))
    facts = {}
    for item in listed.decode(errors="replace").split("\0"):
        name, _, value = item.partition("\n")
        facts[name] = value
    return facts


def _check_format(top: Path, facts: dict[str, str]) -> None:
    if facts.get("extensions.refstorage", "files").lower() != "files":
        raise RepoError(
            f"{top} keeps its refs as {inert(facts['extensions.refstorage'], 40)}, which nightlab does not read yet; "
            "run `git refs migrate --ref-format=files` in it"
        )
    known = facts.get("extensions.objectformat", SHA1).lower()
    if known not in (SHA1, SHA256):
        raise RepoError(f"{top} has objects of the format {inert(known, 40)}; nightlab knows sha1 and sha256")


def read_small(path: Path, limit: int = _SMALL_FILE_BYTES) -> str:
    """Read a small regular file of a git directory, never waiting on a pipe that lies in its place.

    Raises:
        RepoError: It is missing, something else, or larger than the limit.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RepoError(f"{path} cannot be read ({error.strerror}); repair the clone") from error
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise RepoError(f"{path} is not a regular file of at most {limit} bytes; repair the clone")
        return os.fsdecode(file.read(limit))


def read_head(layout: GitLayout) -> tuple[str | None, str | None]:
    """Return (commit, branch): commit None before the first one, branch None when HEAD is detached."""
    line = read_small(layout.git_dir / "HEAD").strip()
    if not line.startswith("ref: "):
        return (line if _OID.fullmatch(line) else None), None
    name = line.removeprefix("ref: ")
    return read_ref(layout, name), name.removeprefix("refs/heads/")


def read_ref(layout: GitLayout, name: str) -> str | None:
    """Return the object id that a ref leads to, or None if there is no such ref."""
    for _ in range(_SYMBOLIC_DEPTH):
        line = _loose_ref(layout, name) or packed_refs(layout).get(name, "")
        if not line.startswith("ref: "):
            return line if _OID.fullmatch(line) else None
        name = line.removeprefix("ref: ")
    return None


def _loose_ref(layout: GitLayout, name: str) -> str:
    if not name.startswith("refs/") or ".." in name.split("/"):
        return ""
    paths = (directory / name for directory in (layout.git_dir, layout.common_dir))
    return next((read_small(path).strip() for path in paths if path.is_file()), "")


def packed_refs(layout: GitLayout) -> dict[str, str]:
    """Return the refs of the packed-refs file by name."""
    path = layout.common_dir / "packed-refs"
    lines = read_small(path, _PACKED_REFS_BYTES).splitlines() if path.is_file() else []
    pairs = (line.split(" ", 1) for line in lines if _OID.match(line))
    return {name: oid for oid, name in pairs}
