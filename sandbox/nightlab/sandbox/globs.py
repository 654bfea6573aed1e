"""Matches relative paths against globs part by part, so that a walk enters only directories that can match."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from nightlab.sandbox.errors import invalid

State = frozenset[tuple[str, ...]]


def start(globs: Iterable[str]) -> State:
    """Return the state at the root: the globs' parts.

    Raises:
        Refused: A glob is absolute, empty, or has '.' or '..' parts.
    """
    return _closed(_parts(glob) for glob in globs)


def enter(state: State, name: str) -> State:
    """Return the state inside a directory of that name; empty: nothing below can match."""
    inside: set[tuple[str, ...]] = set()
    for parts in state:
        if parts and parts[0] == "**":
            inside.add(parts)
        elif parts and fnmatch.fnmatchcase(name, parts[0]):
            inside.add(parts[1:])
    return _closed(part for part in inside if part)


def matches(state: State, name: str) -> bool:
    """Tell whether a file of that name matches here."""
    return any(parts == ("**",) or (len(parts) == 1 and fnmatch.fnmatchcase(name, parts[0])) for parts in state)


def _parts(glob: str) -> tuple[str, ...]:
    parts = tuple(glob.split("/"))
    if any(part in ("", ".", "..") for part in parts) or "\0" in glob:
        raise invalid(f"glob {glob!r} must be relative, without empty, '.' or '..' parts")
    return parts


def _closed(globs: Iterable[tuple[str, ...]]) -> State:
    """Add what follows a '**', which may stand for no directory at all."""
    state: set[tuple[str, ...]] = set()
    for parts in globs:
        state.add(parts)
        while parts and parts[0] == "**" and len(parts) > 1:
            parts = parts[1:]
            state.add(parts)
    return frozenset(state)
