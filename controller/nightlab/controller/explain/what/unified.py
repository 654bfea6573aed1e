"""A unified diff of two contents, bounded in time and size."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import Final

DIFF_BYTES: Final = 64 * 1024
MOST_LINES: Final = 20_000
MOST_CHARS: Final = 2000
CUT: Final = "(the diff goes on)\n"


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """Return a unified diff with three lines of context; empty for binary files."""
    old, new = lines_of(before or b""), lines_of(after or b"")
    if old is None or new is None:
        return ""
    if max(len(old), len(new)) > MOST_LINES:
        return f"(more than {MOST_LINES:,} lines: no diff is shown)\n"
    found = difflib.unified_diff(list(map(_clip, old)), list(map(_clip, new)), f"a/{path}", f"b/{path}")
    return _bounded(list(islice(found, MOST_LINES)))


def lines_of(content: bytes) -> list[str] | None:
    """Return a text's lines with their ends; None if it is binary."""
    if b"\0" in content[:65536]:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return [line + "\n" for line in text.split("\n")][:-1] + ([text.rpartition("\n")[2]] if text[-1:] != "\n" else [])


def _clip(line: str) -> str:
    return line if len(line) <= MOST_CHARS else f"{line[:MOST_CHARS]}… ({len(line):,} characters)\n"


def _bounded(lines: list[str]) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        whole = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        size += len(whole.encode(errors="surrogatepass"))
        if size > DIFF_BYTES - len(CUT):
            return "".join([*kept, CUT])
        kept.append(whole)
    return "".join(kept)
