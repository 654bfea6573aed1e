"""Carries the best tree back to the user: a branch in their clone, or a series of patch files.

Objects and the branch are written without starting git in the user's clone, so nothing that the repo brings is run, and
neither index, working tree nor current branch is touched. Which trial is best belongs to the study.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from nightlab.controller.errors import RepoError, StoreError
from nightlab.controller.model.tree import Entry, Tree, diff_trees
from nightlab.controller.repo.authors import NIGHTLAB, commit_message, person
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.branches import check_branch, create_branch
from nightlab.controller.repo.git import SHA1, Git, scratch_git_dir
from nightlab.controller.repo.layout import GitLayout, find_layout
from nightlab.controller.repo.objects import TREE_MODE, ObjectWriter
from nightlab.controller.repo.snapshot import BaseTree
from nightlab.controller.text import inert

AS_IT_WAS: Final = "nightlab: working tree as it was"
_PATCH_NAME: Final = re.compile(r"\d{4}-.*\.patch")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an exported tree comes from; becomes trailers of its last commit.

    Attributes:
        study: The study's id.
        trial: The trial's number.
        objective: Its name, with the unit if it has one.
        before: The baseline's value.
        after: The trial's value.
        noise_floor: Gain that is more than noise, in the objective's unit; None: unknown.
        tree_digest: Of the trial's tree.
        image_id: Of the image that it ran in.
    """

    study: str
    trial: int
    objective: str
    before: float
    after: float
    noise_floor: float | None
    tree_digest: str
    image_id: str

    def trailers(self) -> dict[str, str]:
        """Return the facts by trailer name."""
        floor = "unknown" if self.noise_floor is None else f"{self.noise_floor:.6g}"
        return {
            "Nightlab-Study": self.study,
            "Nightlab-Trial": str(self.trial),
            "Nightlab-Objective": f"{self.objective} {self.before:.6g} -> {self.after:.6g}",
            "Nightlab-Noise-Floor": floor,
            "Nightlab-Tree": self.tree_digest,
            "Nightlab-Image": self.image_id,
        }


@dataclass(frozen=True, slots=True)
class ExportStep:
    """One edit on the way from the base tree to the best one; becomes one commit.

    Attributes:
        tree: After the edit.
        author: Who made it, in DESIGN.md's words.
        subject: One line on what it does.
        trailers: Further facts.
    """

    tree: Tree
    author: str
    subject: str
    trailers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BranchExport:
    """A branch that was written.

    Attributes:
        branch: Its name.
        base: The commit that it grows from; None in a clone without commits.
        commits: Oldest first.
        has_base_commit: Whether the first commit holds what was uncommitted when the study began.
        left_out: Uncommitted files in submodules, which no commit of this repo can hold.
    """

    branch: str
    base: str | None
    commits: tuple[str, ...]
    has_base_commit: bool
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PatchExport:
    """A series of patch files that was written.

    Attributes:
        files: In the order to apply.
        base: The commit that they apply to; None outside of git.
        has_base_patch: Whether the first one brings the base commit to what was uncommitted when the study began.
        left_out: Uncommitted files in submodules, which no patch of this repo can hold.
    """

    files: tuple[Path, ...]
    base: str | None
    has_base_patch: bool
    left_out: tuple[str, ...]


def export_branch(
    repo: Path,
    base: BaseTree,
    steps: Sequence[ExportStep],
    blobs: BlobStore,
    *,
    provenance: Provenance,
    branch: str,
    at: datetime,
    force: bool = False,
) -> BranchExport:
    """Write the steps as commits of a new branch of the user's clone.

    The branch grows from the commit that was checked out when the study began; what was uncommitted then comes first,
    as a commit of its own.

    Args:
        repo: The directory that the base tree was taken from.
        base: What `snapshot` returned when the study began.
        steps: From the base tree to the best one, in order; steps that change nothing are passed over.
        blobs: Holds the contents.
        provenance: Of the last step's tree.
        branch: The name to make.
        at: The commits' time, with a time zone.
        force: Replace a branch of that name, unless it is checked out.

    Raises:
        RepoError: Not a clone, a base commit that is gone, a branch that must not be written, nothing to export, or a
            step that changes a submodule.
        StoreError: A content is missing.
    """
    layout = find_layout(repo, upwards=True) if base.is_git else None
    if layout is None:
        raise RepoError(f"{str(repo)!r} is not a git clone, so it can have no branch; export patches instead")
    check_branch(layout, branch, force=force)
    with scratch_git_dir(object_format=layout.object_format, lent_objects=[layout.objects]) as scratch:
        files = _head_files(Git(scratch), repo, layout, base)
    writer = ObjectWriter(layout.objects, layout.object_format)
    chain = _Chain(writer, blobs, base, files, at)
    chain.grow(steps, provenance)
    create_branch(layout, branch, chain.commits[-1], force=force)
    return BranchExport(branch, base.head, tuple(chain.commits), chain.has_base_commit, chain.left_out)


def export_patch_series(
    repo: Path,
    base: BaseTree,
    steps: Sequence[ExportStep],
    blobs: BlobStore,
    *,
    provenance: Provenance,
    directory: Path,
    at: datetime,
) -> PatchExport:
    """Write the steps as files "0001-….patch" for `git am --keep-cr` (or `git apply`).

    Args:
        repo: The directory that the base tree was taken from.
        base: What `snapshot` returned when the study began.
        steps: From the base tree to the best one, in order; steps that change nothing are passed over.
        blobs: Holds the contents.
        provenance: Of the last step's tree.
        directory: Made if need be; holds no patch series yet.
        at: The patches' time, with a time zone.

    Raises:
        RepoError: A base commit that is gone, nothing to export, a step that changes a submodule, or a directory with
            patches of another series.
        StoreError: A content is missing.
    """
    layout = find_layout(repo, upwards=True) if base.is_git else None
    _check_free(directory)
    lent = [layout.objects] if layout else []
    with scratch_git_dir(object_format=layout.object_format if layout else SHA1, lent_objects=lent) as scratch:
        git = Git(scratch)
        if layout and (layout.common_dir / "shallow").is_file():
            shutil.copyfile(layout.common_dir / "shallow", scratch / "shallow")
        files = _head_files(git, repo, layout, base) if layout else _Files()
        writer = ObjectWriter(scratch / "objects", layout.object_format if layout else SHA1)
        chain = _Chain(writer, blobs, base, files, at)
        chain.grow(steps, provenance)
        first = base.head or chain.commits[0]
        made = _format(git, first, chain.commits[-1], scratch / "patches")
        written = _move_out(made, directory)
    has_base_patch = chain.has_base_commit and base.head is not None
    return PatchExport(written, base.head, has_base_patch, chain.left_out)


@dataclass(slots=True)
class _Files:
    """A commit's files by path from the clone's top, and where the study's repo lies in it."""

    prefix: str = ""
    by_path: dict[str, tuple[int, str]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)


class _Chain:
    """Commits that grow from the base commit, one edit after the other."""

    def __init__(self, writer: ObjectWriter, blobs: BlobStore, base: BaseTree, files: _Files, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("the time of an export needs a time zone")
        self._writer, self._blobs, self._base, self._at = writer, blobs, base, at
        self._prefix, self._files = files.prefix, files.by_path
        self._writer.assume(files.known)
        self.commits: list[str] = []
        self.has_base_commit = False
        self.left_out: tuple[str, ...] = ()

    def grow(self, steps: Sequence[ExportStep], provenance: Provenance) -> None:
        changing = list(_changing(self._base.tree, steps))
        if not changing:
            raise RepoError("the best tree equals the base tree, so there is nothing to export")
        self._commit_base()
        for index, (before, step) in enumerate(changing):
            for change in diff_trees(before, step.tree):
                self._apply(change.path, change.after)
            trailers = {"Nightlab-Author": step.author, **step.trailers}
            if index == len(changing) - 1:
                trailers |= provenance.trailers()
            self._commit(step.author, inert(step.subject, 120), trailers)

    def _commit_base(self) -> None:
        uncommitted = self._base.dirty if self._base.head else tuple(self._base.tree.by_path)
        self.left_out = tuple(path for path in uncommitted if self._nest_of(path))
        own = [path for path in uncommitted if not self._nest_of(path)]
        for path in own:
            self._apply(path, self._base.tree.by_path.get(path))
        if own:
            self.has_base_commit = True
            self._commit("base", AS_IT_WAS, {"Nightlab-Tree": self._base.tree.digest})

    def _apply(self, path: str, after: Entry | None) -> None:
        nest = self._nest_of(path)
        if nest:
            raise RepoError(
                f"{inert(path)!r} lies in {inert(nest)!r}, a repo of its own, so no commit of this repo can hold its "
                "change; see `nightlab trial diff` and apply it there by hand"
            )
        full = self._prefix + path
        self._files.pop(full, None)
        if after is not None:
            self._files[full] = (after.mode, self._blob(after))

    def _nest_of(self, path: str) -> str | None:
        return next((nest for nest in self._base.nested if path == nest or path.startswith(f"{nest}/")), None)

    def _blob(self, entry: Entry) -> str:
        try:
            with self._blobs.open(entry.sha256) as content:
                return self._writer.blob(content, entry.size)
        except KeyError:
            raise StoreError(f"the content of {entry.path!r} ({entry.sha256[:12]}) is not in the blob store") from None

    def _commit(self, author: str, subject: str, trailers: Mapping[str, str]) -> None:
        parent = self.commits[-1] if self.commits else self._base.head
        text = commit_message(subject, trailers)
        tree = self._writer.tree(self._files)
        self.commits.append(self._writer.commit(tree, parent, person(author), NIGHTLAB, self._at, text))


def _changing(base: Tree, steps: Sequence[ExportStep]) -> Iterator[tuple[Tree, ExportStep]]:
    before = base
    for step in steps:
        if step.tree != before:
            yield before, step
        before = step.tree


def _head_files(git: Git, repo: Path, layout: GitLayout, base: BaseTree) -> _Files:
    prefix = Path(os.path.realpath(repo)).relative_to(layout.top).as_posix()
    files = _Files(prefix="" if prefix == "." else f"{prefix}/")
    if base.head is None:
        return files
    try:
        listed = git.run("ls-tree", "-r", "-t", "-z", "--full-tree", base.head)
    except RepoError as error:
        raise RepoError(
            f"commit {base.head[:12]}, from which the study began, is no longer in {layout.top}; fetch it, or take the "
            f"change from `nightlab trial diff` ({error})"
        ) from error
    for item in listed.split(b"\0")[:-1]:
        facts, _, name = item.partition(b"\t")
        mode, _, oid = facts.decode().split(" ")
        files.known.add(oid)
        if int(mode, 8) != TREE_MODE:
            files.by_path[os.fsdecode(name)] = (int(mode, 8), oid)
    return files


def _format(git: Git, first: str, last: str, directory: Path) -> list[Path]:
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--binary", "--full-index")
    span = f"{first}..{last}"
    git.run("format-patch", *options, "--no-signature", "--quiet", "--output-directory", str(directory), span)
    return sorted(directory.iterdir())


def _check_free(directory: Path) -> None:
    if directory.is_dir() and any(_PATCH_NAME.fullmatch(path.name) for path in directory.iterdir()):
        raise RepoError(f"{str(directory)!r} holds patches already; remove them, or name another directory")


def _move_out(made: Sequence[Path], directory: Path) -> tuple[Path, ...]:
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for source in made:
        target = directory / source.name
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with source.open("rb") as patch, os.fdopen(fd, "wb") as out:
            shutil.copyfileobj(patch, out)
        written.append(target)
    return tuple(written)
