"""What a syntax tree does not show of a text: line ends, byte order mark, encoding, comments, even those that act."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from nightlab.controller.explain.what.notes import Note, Rank
from nightlab.controller.explain.what.shown import clipped

MOST_COMMENTS: Final = 5000
MOST_DELETED: Final = 3
_BOM: Final = b"\xef\xbb\xbf"
_TYPE: Final = re.compile(r"#\s*type:(?!\s*ignore)")
_SCRIPT: Final = re.compile(r"#\s*///")
_COOKIE: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def text_notes(before: bytes, after: bytes) -> list[Note]:
    """Note other line ends, byte order mark or encoding."""
    notes = []
    if _ends(before) != _ends(after):
        notes.append(Note(Rank.TEXT, None, f"line ends {_ends(before)} -> {_ends(after)}"))
    if before.startswith(_BOM) != after.startswith(_BOM):
        word = "added" if after.startswith(_BOM) else "removed"
        notes.append(Note(Rank.TEXT, None, f"byte order mark {word}"))
    if _encoding(before) != _encoding(after):
        notes.append(Note(Rank.TEXT, None, f"encoding {_encoding(before)} -> {_encoding(after)}"))
    return notes


def cut_notes(before: bytes, after: bytes) -> list[Note]:
    """Note a file of which only a beginning is left, as a writer that was interrupted leaves it."""
    if not before.startswith(after) or len(before) - len(after.rstrip()) < 2 or before.rstrip() == after.rstrip():
        return []
    if not after.strip():
        return [Note(Rank.BROKEN, None, "the file is empty now")]
    total, left = (content.rstrip().count(b"\n") + 1 for content in (before, after))
    if not after.endswith(b"\n") and before[len(after) : len(after) + 1] not in (b"\n", b"\r"):
        return [Note(Rank.BROKEN, left, f"the file is cut off in line {left:,} of {total:,}")]
    if total - left < MOST_DELETED:
        return []
    return [Note(Rank.BEHAVIOUR, None, f"the last {total - left:,} of {total:,} lines are gone")]


def comment_notes(before: bytes, after: bytes) -> list[Note]:
    """Note changed comments: first those that some program reads (a shebang, type comments, script metadata)."""
    old, new = _comments(before), _comments(after)
    notes = []
    if _shebang(before) != _shebang(after):
        shown = " -> ".join(f"`{clipped(each)}`" if each else "none" for each in (_shebang(before), _shebang(after)))
        notes.append(Note(Rank.BEHAVIOUR, 1, f"first line for the system's loader: {shown}"))
    for pattern, what in ((_TYPE, "type comment"), (_SCRIPT, "script metadata")):
        ones, others = _acting(old, pattern), _acting(new, pattern)
        known = [text for _, text in ones]
        if known != [text for _, text in others]:
            line = next((line for line, text in others if text not in known), None)
            notes.append(Note(Rank.BEHAVIOUR, line, f"{what} changed"))
    texts = [text for _, text in old]
    if texts != [text for _, text in new]:
        notes.append(Note(Rank.TEXT, _first_difference(texts, new), "comments only"))
    return notes


def _acting(comments: Sequence[tuple[int, str]], pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    if pattern is not _SCRIPT:
        return [each for each in comments if pattern.match(each[1])]
    marks = [index for index, each in enumerate(comments) if pattern.match(each[1])]
    return list(comments[marks[0] : marks[-1] + 1]) if marks else []


def _first_difference(old: Sequence[str], new: Sequence[tuple[int, str]]) -> int | None:
    if max(len(old), len(new)) > MOST_COMMENTS:
        return None
    matcher = SequenceMatcher(None, old, [text for _, text in new], autojunk=False)
    return next((new[j1][0] for tag, _, _, j1, j2 in matcher.get_opcodes() if tag != "equal" and j2 > j1), None)


def _comments(content: bytes) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    try:
        words = tokenize.tokenize(io.BytesIO(content).readline)
        found.extend((word.start[0], word.string.rstrip()) for word in words if word.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError, UnicodeError, LookupError):
        return found
    return found


def _shebang(content: bytes) -> str:
    # A carriage return at its end is part of the loader's file name.
    first = content.partition(b"\n")[0]
    return repr(first.decode("utf-8", "replace"))[1:-1] if first.startswith(b"#!") else ""


def _ends(content: bytes) -> str:
    crlf = content.count(b"\r\n")
    lf, cr = content.count(b"\n") - crlf, content.count(b"\r") - crlf
    kinds = [name for name, count in (("CRLF", crlf), ("LF", lf), ("CR", cr)) if count]
    return " and ".join(kinds) or "LF"


def _encoding(content: bytes) -> str:
    for line in content.split(b"\n", 2)[:2]:
        if found := _COOKIE.match(line):
            return found[1].decode("ascii", "replace").lower().replace("_", "-")
    return "utf-8"
