"""What can be said of a file without reading it as anything: its size, its hash, its mode. For host and worker."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from typing import Final

from nightlab.controller.model.change import Effect, Fact, FileChange

MOST_READ: Final = 16 * 2**20
TARGET_CHARS: Final = 200


def plain_change(path: str, before: bytes | None, after: bytes | None, why: str) -> FileChange:
    """Tell a change by size and hash.

    Args:
        path: Of the file.
        before: Earlier content; None: the file is new.
        after: Later content; None: it is gone.
        why: Added to the fact: why no more is said ("binary"); may be empty.
    """
    return FileChange(path, Effect.BEHAVIOUR, (Fact(path, None, sized(before, after, why)),))


def sized(before: bytes | None, after: bytes | None, why: str = "") -> str:
    """Return "12,000 -> 11,000 bytes, sha256 0a1b2c3d -> 4e5f6a7b (binary)"."""
    because = f" ({why})" if why else ""
    if before is None or after is None:
        content, word = (after, "added") if before is None else (before, "removed")
        return f"file {word}, {_bytes(content)}, sha256 {_hash(content)}{because}"
    size = _bytes(after) if len(before) == len(after) else f"{len(before):,} -> {_bytes(after)}"
    return f"{size}, sha256 {_hash(before)} -> {_hash(after)}{because}"


def link_change(
    path: str, before: bytes | None, after: bytes | None, modes: tuple[int | None, int | None]
) -> FileChange:
    """Tell a change in which one side at least is a symbolic link, whose content is its target."""
    old, new = (_target(content, mode) for content, mode in zip((before, after), modes, strict=True))
    facts = (Fact(path, None, f"{old} became {new}"),)
    return FileChange(path, Effect.BEHAVIOUR, facts)


def is_link(mode: int | None) -> bool:
    """Tell whether a git mode is that of a symbolic link."""
    return mode is not None and stat.S_ISLNK(mode)


def _target(content: bytes | None, mode: int | None) -> str:
    if content is None or mode is None:
        return "nothing"
    if not is_link(mode):
        return f"a file of {_bytes(content)}"
    return f"a symbolic link to `{content[:TARGET_CHARS].decode(errors='replace')}`"


def mode_text(modes: tuple[int | None, int | None]) -> str:
    """Say a change of a git mode: "became executable"; empty where there is none to tell."""
    before, after = modes
    if before is None or after is None:
        return "is a symbolic link" if is_link(after) else ""
    if is_link(before) != is_link(after):
        return "became a symbolic link" if is_link(after) else "a symbolic link became a file"
    if bool(before & 0o111) != bool(after & 0o111):
        return "became executable" if after & 0o111 else "is not executable any more"
    return "" if before == after else f"mode {before:o} -> {after:o}"


def mode_change(path: str, modes: tuple[int | None, int | None]) -> FileChange:
    """Tell a change of nothing but the mode."""
    return FileChange(path, Effect.BEHAVIOUR, (Fact(path, None, mode_text(modes) or "same mode"),))


def with_mode(change: FileChange, modes: tuple[int | None, int | None]) -> FileChange:
    """Tell the mode first, then the rest of a change."""
    text = mode_text(modes)
    if not text:
        return change
    return replace(change, effect=Effect.BEHAVIOUR, facts=_first_50(Fact(change.path, None, text), *change.facts))


def _first_50(*facts: Fact) -> tuple[Fact, ...]:
    return facts[:50]


def _bytes(content: bytes | None) -> str:
    return f"{len(content or b''):,} bytes"


def _hash(content: bytes | None) -> str:
    return hashlib.sha256(content or b"").hexdigest()[:8]
