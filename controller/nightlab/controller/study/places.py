"""Decides where in an image a run may write, who it runs as and where it starts. Pure: facts in, places out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.schema import MiB, Train
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.link.values import RepoMatch
from nightlab.controller.model.site import EDITOR_UID, HOME, WORKLOAD_UID, Place

FALLBACK_WORKSPACE: Final = "/workspace"
SCRATCH_BYTES: Final = 256 * MiB
LEAST_SAME: Final = 3  # files that tell a repo from chance
INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
NEVER_A_ROOT: Final = ("/tmp", "/var/tmp", "/dev", "/proc", "/sys", "/etc", "/run")  # noqa: S108 - in the container
NO_HOMES: Final = frozenset({"", "/", "/nonexistent", "/dev/null", "/var/empty"})


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the image as its passwd file has it; see ResolveUserResult."""

    uid: int
    gid: int
    name: str
    home: str


def workload_user(train: Train, person: Person) -> Person:
    """Return who the training command runs as: the image's user, or a plain one where that is root or an editor."""
    if train.user != "auto":
        uid, _, gid = train.user.partition(":")
        return Person(int(uid), int(gid or uid), person.name, person.home)
    if person.uid in (0, EDITOR_UID):
        return Person(WORKLOAD_UID, WORKLOAD_UID, "nightlab", person.home)
    return person


def home_of(facts: ImageFacts, person: Person) -> str:
    """Return the home of the workload: the image's own where there is one, else a directory of ours."""
    home = facts.env.get("HOME") or person.home
    return HOME if home.rstrip("/") in NO_HOMES or not home.startswith("/") else posixpath.normpath(home)


def workspace_of(configured: str, matches: Iterable[str], facts: ImageFacts) -> str:
    """Return where the repo appears: by the user's word, where the image has it, or its WORKDIR, never "/"."""
    for path in (configured, *matches, facts.workdir):
        if path and posixpath.normpath(path) != "/":
            return posixpath.normpath(path)
    return FALLBACK_WORKSPACE


def likely_roots(matches: Iterable[RepoMatch], probes: int, facts: ImageFacts) -> tuple[str, ...]:
    """Return where the image may have the repo, best first.

    One file that is the same is chance (a requirements.txt), unless it lies in the WORKDIR. An installed copy is not
    the repo: what else is installed beside it would be hidden.

    Args:
        matches: Directories that hold files of the repo, best first.
        probes: How many files were looked for.
        facts: Of the image.
    """
    return tuple(
        match.root
        for match in matches
        if (match.same >= min(LEAST_SAME, (probes + 1) // 2) or (match.same and match.root == facts.workdir))
        and not INSTALLED & set(match.root.split("/"))
        and not any(is_below(match.root, path) for path in NEVER_A_ROOT)
    )


def workdir_of(train: Train, facts: ImageFacts, workspace: str) -> str:
    """Return where the training command starts."""
    if train.workdir:
        return posixpath.normpath(posixpath.join(workspace, train.workdir))
    return workspace if posixpath.normpath(facts.workdir) == "/" else posixpath.normpath(facts.workdir)


def places_of(train: Train, facts: ImageFacts, *, workspace: str, workdir: str, home: str) -> tuple[Place, ...]:
    """Return the directories that a run can write, the workspace first.

    A directory that lies in an earlier one needs no place of its own, unless it is the workspace or a VOLUME.
    """
    places = [Place(workspace, "workspace", train.workspace_size, "0")]
    wanted = [(home, "home"), (workdir, "workdir"), *((path, "writable") for path in train.writable)]
    for path, kind in wanted:
        if path not in ("/tmp", "/dev/shm") and not any(is_below(path, place.path) for place in places):  # noqa: S108
            places.append(Place(path, kind, SCRATCH_BYTES, str(len(places))))
    for path in facts.volumes:
        if not any(is_below(path, place.path) for place in places):
            places.append(Place(path, "volume", SCRATCH_BYTES, str(len(places))))
    return tuple(places)


def inner(place: Place, places: Iterable[Place]) -> tuple[str, ...]:
    """Return what lies in a place and is a place of its own, relative to it."""
    others = (other.path for other in places if other.path != place.path)
    return tuple(path.removeprefix(place.path + "/") for path in others if is_below(path, place.path))


def is_below(path: str, root: str) -> bool:
    """Say whether a path is a root or lies below it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def below(path: str, root: str) -> str:
    """Return a path relative to a root; empty for the root itself and for a path outside of it."""
    return path.removeprefix(root.rstrip("/") + "/") if is_below(path, root) and path != root else ""
