"""Finds the Python files that an edit may concern beyond those it changed, by words of their import lines alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import Final

from nightlab.controller.explain.orders import Files
from nightlab.controller.gate.blocking import Edit
from nightlab.controller.model.tree import Tree, diff_trees

REST_BYTES: Final = 2**19
READ_BYTES: Final = 2**20
_IMPORT: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+([^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)
_WORD: Final = re.compile(rb"\w+")


def edit_of(base: Tree, tree: Tree, read: Callable[[str], bytes]) -> Edit:
    """Collect what differs between two trees, with the files around it.

    Args:
        base: The base tree.
        tree: The tree that is to be launched.
        read: Returns the content with a hash.
    """
    changes = [c for c in diff_trees(base, tree) if c.path.endswith(".py")]
    small = [c for c in changes if max(e.size for e in (c.before, c.after) if e) <= READ_BYTES]
    before = {c.path: read(c.before.sha256) for c in small if c.before}
    after = {c.path: read(c.after.sha256) for c in small if c.after}
    if not (before or after):
        return Edit({}, {}, {})
    gone = {c.before.sha256: c.path for c in changes if c.before and not c.after}
    renamed = {c.path: gone[c.after.sha256] for c in changes if c.after and not c.before and c.after.sha256 in gone}
    others = [e for e in tree.entries if e.path.endswith(".py") and e.path not in {c.path for c in changes}]
    contents = {e.path: read(e.sha256) for e in others if e.size <= READ_BYTES}
    changed = {**before, **after}
    names = {_module(path) for path in changed}
    callers = tuple(path for path, content in contents.items() if names & _imported([content]))
    rest = _within(contents, [*_named_by(changed, contents), *callers])
    return Edit(
        before, after, rest, tuple(e.path for e in tree.entries), renamed, tuple(c for c in callers if c in rest)
    )


def _named_by(changed: Files, others: Files) -> list[str]:
    wanted = _imported(changed.values())
    return [path for path in others if _module(path) in wanted]


def _within(others: Files, found: Iterable[str]) -> Files:
    """Return the contents of files, up to a size."""
    kept: dict[str, bytes] = {}
    size = 0
    for path in found:
        size += len(others[path]) if path not in kept else 0
        if size > REST_BYTES:
            break
        kept[path] = others[path]
    return kept


def _module(path: str) -> str:
    folder, name = posixpath.split(path.removesuffix(".py"))
    return posixpath.basename(folder) if name == "__init__" else name


def _imported(contents: Iterable[bytes]) -> set[str]:
    found: set[str] = set()
    for content in contents:
        for match in _IMPORT.finditer(content):
            found |= {word.decode(errors="replace") for part in match.groups() if part for word in _WORD.findall(part)}
    return found
