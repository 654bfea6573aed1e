"""Chooses the files that an action is given: its `reads`, at most 2 MiB, the ones that matter first.

Nothing is parsed here: that a file is used is guessed from words, and only to decide what is left out of a large tree.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from nightlab.api.globs import matches, matches_any
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.model import Note

WORKSPACE_BYTES: Final = 2 * 2**20
FILE_BYTES: Final = 2**20
_WORD: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")


def workspace(
    files: Mapping[str, bytes], reads: Sequence[str], entry_points: Sequence[str], tree_digest: str
) -> tuple[pb.Workspace, tuple[Note, ...]]:
    """Make the workspace message for an action.

    Returns:
        The message, and a note on what did not fit into it.
    """
    wanted = {path: content for path, content in files.items() if matches_any(path, reads)}
    taken = sorted(_within_cap(wanted, entry_points))
    message = pb.Workspace(
        digest=tree_digest,
        files=[pb.File(path=path, content=wanted[path], sha256=sha256(wanted[path])) for path in taken],
        missing_globs=[glob for glob in reads if not any(matches(path, glob) for path in wanted)],
        entry_points=entry_points,
    )
    return message, _left_out(wanted, taken)


def sha256(content: bytes) -> str:
    """Hash content as the contract writes it: lowercase hex."""
    return hashlib.sha256(content).hexdigest()


def _within_cap(wanted: Mapping[str, bytes], entry_points: Sequence[str]) -> list[str]:
    if sum(map(len, wanted.values())) <= WORKSPACE_BYTES and all(len(c) <= FILE_BYTES for c in wanted.values()):
        return list(wanted)
    used = _mentioned(wanted, entry_points)
    order = sorted(wanted, key=lambda path: (path not in entry_points, path not in used, len(wanted[path]), path))
    taken, room = [], WORKSPACE_BYTES
    for path in order:
        size = len(wanted[path])
        if size <= min(room, FILE_BYTES):
            taken.append(path)
            room -= size
    return taken


def _mentioned(wanted: Mapping[str, bytes], entry_points: Sequence[str]) -> set[str]:
    """Files whose name occurs as a word in the entry points, or in a file that is mentioned itself."""
    by_name: dict[bytes, list[str]] = {}
    for path in wanted:
        by_name.setdefault(_module_name(path).encode(), []).append(path)
    seen: set[str] = set()
    open_ends = [path for path in entry_points if path in wanted]
    while open_ends:
        path = open_ends.pop()
        seen.add(path)
        for word in set(_WORD.findall(wanted[path][:FILE_BYTES])) & by_name.keys():
            open_ends.extend(other for other in by_name[word] if other not in seen)
    return seen


def _module_name(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.parent.name if pure.stem == "__init__" else pure.stem


def _left_out(wanted: Mapping[str, bytes], taken: Sequence[str]) -> tuple[Note, ...]:
    gone = sorted(wanted.keys() - set(taken), key=lambda path: -len(wanted[path]))
    if not gone:
        return ()
    size = sum(len(wanted[path]) for path in gone)
    summary = f"{len(gone)} files ({size} bytes) were not searched: more than {WORKSPACE_BYTES} bytes in all"
    names = ", ".join(gone[:20]) + (", ..." if len(gone) > 20 else "")
    return (Note("warning", summary, f"left out, largest first: {names}; narrow train.editable to what matters"),)
