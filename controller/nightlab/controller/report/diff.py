"""Reads a unified diff into lines that a surface can colour, and marks what changed inside a line.

The text is untrusted: anything that is no diff comes out as plain context lines.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from nightlab.controller.report._inert import _inert

LINE_LIMIT: Final = 400
_WORD: Final = string.ascii_letters + string.digits + "_."


class Kind(StrEnum):
    """What a line of a diff is."""

    FILE = "file"
    HUNK = "hunk"
    ADDED = "add"
    REMOVED = "del"
    CONTEXT = "ctx"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One inert line; `mark` lies between `head` and `tail` and is what differs from its counterpart."""

    kind: Kind
    head: str
    mark: str = ""
    tail: str = ""

    @property
    def text(self) -> str:
        """The whole line."""
        return self.head + self.mark + self.tail


def diff_lines(diff: str, max_lines: int | None = None) -> tuple[DiffLine, ...]:
    """Read a unified diff, or its first lines. Each line is inert and at most LINE_LIMIT characters long."""
    texts = diff.split("\n", -1 if max_lines is None else max_lines)  # the last may be all of the rest
    texts = texts[: min(line_count(diff), len(texts) if max_lines is None else max_lines)] if diff else []
    lines = [DiffLine(kind, _inert(text, LINE_LIMIT, keep="\t")) for kind, text in _kinds(texts)]
    return tuple(_marked(lines))


def line_count(text: str) -> int:
    """Count lines as `diff_lines` does; a last newline ends a line and begins none."""
    return text.count("\n") + (not text.endswith("\n"))


def _kinds(texts: list[str]) -> Iterator[tuple[Kind, str]]:
    inside = False
    for text in texts:
        if text.startswith("diff --git "):
            inside = False
        elif text.startswith("@@"):
            inside = True
            yield Kind.HUNK, text
            continue
        if inside:
            yield {"+": Kind.ADDED, "-": Kind.REMOVED}.get(text[:1], Kind.CONTEXT), text
        else:
            yield Kind.FILE, text


def _marked(lines: list[DiffLine]) -> Iterator[DiffLine]:
    at = 0
    while at < len(lines):
        middle = _run_end(lines, at, Kind.REMOVED)
        end = _run_end(lines, middle, Kind.ADDED)
        if end - middle == middle - at > 0:
            pairs = [_mark_pair(*pair) for pair in zip(lines[at:middle], lines[middle:end], strict=True)]
            yield from (old for old, _ in pairs)
            yield from (new for _, new in pairs)
        else:
            end = max(end, at + 1)
            yield from lines[at:end]
        at = end


def _run_end(lines: list[DiffLine], at: int, kind: Kind) -> int:
    while at < len(lines) and lines[at].kind is kind:
        at += 1
    return at


def _mark_pair(before: DiffLine, after: DiffLine) -> tuple[DiffLine, DiffLine]:
    old, new = before.head[1:], after.head[1:]
    prefix = _common(old, new)
    start = len(prefix.rstrip(_WORD))  # whole words are marked: 0.5 -> 0.3 and not 5 -> 3
    suffix = _common(old[start:][::-1], new[start:][::-1])
    end = len(suffix.rstrip(_WORD))
    if start + end < max(len(old), len(new)) / 3:  # nothing much in common: a mark would be noise
        return before, after
    return _cut(before, start, end), _cut(after, start, end)


def _common(old: str, new: str) -> str:
    pairs = enumerate(zip(old, new, strict=False))
    return old[: next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))]


def _cut(line: DiffLine, start: int, end: int) -> DiffLine:
    text = line.head
    stop = len(text) - end
    return replace(line, head=text[: start + 1], mark=text[start + 1 : stop], tail=text[stop:])
