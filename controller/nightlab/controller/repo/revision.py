"""Reads a commit of the user's clone beside its working tree: which files differ, and what they were.

Git runs in a scratch directory with the clone's objects lent and its refs copied as data, so nothing that the repo
brings takes effect. Its index is not used either: a bit in it ("assume unchanged") could hide a changed file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from nightlab.controller.errors import RepoError
from nightlab.controller.repo.git import Git, scratch_git_dir
from nightlab.controller.repo.layout import GitLayout, find_layout, packed_refs, read_head, read_ref
from nightlab.controller.text import inert

MAX_REFS: Final = 50_000
MAX_FILE_BYTES: Final = 4 * 2**20
MAX_BYTES: Final = 64 * 2**20
_REF: Final = re.compile(r"refs/[^\s~^:?*\[\\\x00-\x20\x7f]+")
_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SUBMODULE: Final = 0o160000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, as far as it matters for a working tree.

    Attributes:
        name: What was asked for ("HEAD~1").
        commit: The commit that it leads to.
        modes: Every file of the commit below the directory, path -> mode.
        changed: Paths of `modes` whose file in the working tree is another one, or gone; sorted.
        contents: Of the changed ones, as far as they are small and here.
        sizes: Of the changed ones, bytes.
    """

    name: str
    commit: str
    modes: Mapping[str, int]
    changed: tuple[str, ...]
    contents: Mapping[str, bytes]
    sizes: Mapping[str, int]


def has_commit(root: Path) -> bool:
    """Tell whether a directory lies in a clone that has a commit.

    Raises:
        RepoError: There is a `.git` that is not usable.
    """
    layout = find_layout(root, upwards=True)
    return layout is not None and read_head(layout)[0] is not None


def read_revision(root: Path, name: str) -> Revision:
    """Compare the working tree below a directory with a commit.

    Files that the commit does not have are not looked at. Submodules are not entered.

    Args:
        root: A clone or a folder of one.
        name: A commit as git names it: a hash or its beginning, a branch, a tag, "HEAD~2". Reflogs and upstreams, which
            need the clone's configuration, are not known.

    Raises:
        RepoError: Not a clone, no such commit, or a file name that is not UTF-8.
    """
    layout = find_layout(root, upwards=True)
    if layout is None:
        raise RepoError(f"{str(root)!r} is not in a git clone, so it has no {inert(name, 80)!r} to compare with")
    prefix = Path(os.path.realpath(root)).relative_to(layout.top).as_posix()
    prefix = "" if prefix == "." else f"{prefix}/"
    with _git_with_refs(layout) as git:
        commit = _resolve(git, layout, name)
        git.run("read-tree", commit)
        git.run("update-index", "-q", "--ignore-submodules", "--refresh", ok=(0, 1))
        options = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
        where = ("--", prefix) if prefix else ()
        listed = git.run("diff-files", *options, *where).split(b"\0")[:-1]
        files = dict(_files(git.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, *where)))
        changed = {path: files[path] for path in sorted(map(_decoded, listed)) if path in files}
        contents = dict(_contents(git, changed))
    return Revision(
        name=name,
        commit=commit,
        modes=_cut({path: mode for path, (mode, _, _) in files.items()}, prefix),
        changed=tuple(path.removeprefix(prefix) for path in changed),
        contents=_cut(contents, prefix),
        sizes=_cut({path: size for path, (_, _, size) in changed.items()}, prefix),
    )


@contextmanager
def _git_with_refs(layout: GitLayout) -> Iterator[Git]:
    with scratch_git_dir(object_format=layout.object_format, lent_objects=[layout.objects]) as scratch:
        # The tree's own line-ending rules decide what has changed; ours would hide them.
        (scratch / "info/attributes").unlink()
        for name in ("info/attributes", "shallow"):
            if (layout.common_dir / name).is_file() and not (layout.common_dir / name).is_symlink():
                shutil.copyfile(layout.common_dir / name, scratch / name)
        refs = sorted(_refs(layout).items())
        (scratch / "packed-refs").write_text("".join(f"{oid} {name}\n" for name, oid in refs), errors="surrogateescape")
        head, _ = read_head(layout)
        if head is not None:
            (scratch / "HEAD").write_text(f"{head}\n")
        yield Git(scratch, work_tree=layout.top, settings=[f"core.fileMode={str(layout.has_file_mode).lower()}"])


def _refs(layout: GitLayout) -> dict[str, str]:
    names = {name for name in packed_refs(layout) if _REF.fullmatch(name)}
    for directory in {layout.common_dir, layout.git_dir}:
        for folder, folders, files in os.walk(directory / "refs"):
            folders.sort()
            names |= {(Path(folder) / file).relative_to(directory).as_posix() for file in files}
            if len(names) > MAX_REFS:
                break
    found = {name: read_ref(layout, name) for name in names if _REF.fullmatch(name)}
    return {name: oid for name, oid in found.items() if oid is not None}


def _resolve(git: Git, layout: GitLayout, name: str) -> str:
    asked = name.encode(errors="surrogateescape")
    if not name.strip() or "\n" in name or "\0" in name:
        raise RepoError(f"{inert(name, 80)!r} names no commit; give a hash, a branch, a tag or HEAD~1")
    # Through stdin a name that begins with a dash is no option.
    answer = git.run("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked + b"^{commit}\n")
    kind, _, oid = answer.decode(errors="replace").strip().partition(" ")
    if kind != "commit" or not _OID.fullmatch(oid):
        shallow = ", which is a shallow clone" if (layout.common_dir / "shallow").is_file() else ""
        raise RepoError(
            f"{inert(name, 80)!r} names no commit of {layout.top}{shallow}; give a hash, a branch, a tag or HEAD~1"
        )
    return oid


def _files(listed: bytes) -> Iterator[tuple[str, tuple[int, str, int]]]:
    for item in listed.split(b"\0")[:-1]:
        facts, _, path = item.partition(b"\t")
        mode, _, oid, size = facts.decode().split()
        if int(mode, 8) != _SUBMODULE:
            yield _decoded(path), (int(mode, 8), oid, int(size) if size.isdigit() else 0)


def _contents(git: Git, files: Mapping[str, tuple[int, str, int]]) -> Iterator[tuple[str, bytes]]:
    """Read the small ones with one git; an object that a partial clone lacks is passed over."""
    left, wanted = MAX_BYTES, []
    for path, (_, oid, size) in files.items():
        if size <= min(MAX_FILE_BYTES, left):
            left -= size
            wanted.append((path, oid))
    answer = git.run("cat-file", "--batch", stdin="".join(f"{oid}\n" for _, oid in wanted).encode())
    at = 0
    for path, _ in wanted:
        head, at = answer[at : answer.index(b"\n", at)], answer.index(b"\n", at) + 1
        words = head.split(b" ")
        if words[-1] == b"missing":
            continue
        size = int(words[-1])
        yield path, answer[at : at + size]
        at += size + 1


def _cut(found: Mapping[str, T], prefix: str) -> dict[str, T]:
    return {path.removeprefix(prefix): value for path, value in found.items()}


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise RepoError(f'the file name "{ascii(name)[2:-1]}" is not UTF-8; rename the file') from None
