"""Compares what lies in a sandbox with what was sealed, before a launch and after a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from nightlab.controller.model.tree import Entry, Tree

IMPORTABLE: Final = (".py", ".pyc", ".pyo", ".so", ".pth", ".pyd")
IMPORTABLE_SHOWN: Final = 200


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
