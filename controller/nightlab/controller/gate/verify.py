"""Compares what lies in a sandbox with what was sealed, before a launch and after a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nightlab.controller.model.tree import Entry, Tree

IMPORTABLE: Final = (".py", ".pyc", ".pyo", ".so", ".pth", ".pyd")
IMPORTABLE_SHOWN: Final = 200
SITE_DIRECTORIES: Final = frozenset({"site-packages", "dist-packages"})
# A larger file is taken for unchanged while its inode, size and times are those it was hashed with; code is smaller.
REREAD_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Deviation:
    """How what lies inside differs from what was sealed; nothing at all is false.

    Attributes:
        changed: Sealed paths that are missing, of another content or kind.
        exposed: Sealed paths and directories that somebody else than the supervisor could change.
        added: Paths that neither the seal has nor the image brought, empty directories too.
        reseeded: What the image brought, no longer as it was linked.
    """

    changed: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    reseeded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is any difference."""
        return bool(self.paths)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that differ: first what was sealed, then what the image brought, then what was added."""
        return tuple(dict.fromkeys((*self.changed, *self.exposed, *self.reseeded, *self.added)))

    @property
    def removable(self) -> tuple[str, ...]:
        """What is to be removed before the sealed tree and the seeds are put back."""
        return (*self.reseeded, *self.added)


def deviation(
    tree: Tree,
    seeded: Iterable[str],
    sealed: Iterable[Entry],
    added: Iterable[Entry],
    odd: Iterable[str],
    *,
    is_partial: bool = False,
) -> Deviation:
    """Compare a whole check with what was sealed.

    Args:
        tree: What was sealed.
        seeded: Paths that the image brought and the study linked.
        sealed: The sealed paths as they are inside.
        added: What lies beside them; what the image brought and was linked is not in it.
        odd: What others could change, or what is no longer as it was linked.
        is_partial: There is more than was looked at, so that what lies there is not known.
    """
    inside, brought = tuple(sealed), set(seeded) - tree.by_path.keys()
    beside = {entry.path for entry in (*inside, *added)} - tree.by_path.keys()
    changed = drifted(tree, inside)
    exposed = {*odd, *(["."] if is_partial else [])} - set(changed)
    return Deviation(changed, tuple(sorted(exposed - brought)), tuple(sorted(beside)), tuple(sorted(exposed & brought)))


def drifted(tree: Tree, found: Iterable[Entry]) -> tuple[str, ...]:
    """Return the sealed paths whose entry inside is missing or another one.

    Args:
        tree: What was sealed.
        found: What a scan of the sealed paths returned.
    """
    inside = {entry.path: entry for entry in found}
    return tuple(e.path for e in tree.entries if _identity(inside.get(e.path)) != _identity(e))


def added_importable(tree: Tree, seeded: Iterable[str], found: Iterable[Entry]) -> tuple[str, ...]:
    """Return files beside the sealed ones that Python could import, the first 200 by path.

    Args:
        tree: What was sealed.
        seeded: Paths that the image brought and the study linked.
        found: Everything that a scan found.
    """
    known = tree.by_path.keys() | set(seeded)
    added = (e.path for e in found if e.path not in known and e.path.endswith(IMPORTABLE))
    return tuple(sorted(added))[:IMPORTABLE_SHOWN]


def _identity(entry: Entry | None) -> tuple[bool, bool, str] | None:
    """A sealed file is 0444 or 0555 on disk, so of its mode only the kind and the executable bit count."""
    if entry is None:
        return None
    return (entry.mode & 0o170000 == 0o120000, bool(entry.mode & 0o111), entry.sha256)
