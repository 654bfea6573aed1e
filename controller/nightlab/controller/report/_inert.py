"""Makes untrusted text inert for a terminal or a page: what cannot be seen, or moves what can, becomes an escape."""

from __future__ import annotations

import re
from typing import Final

ELLIPSIS: Final = "\u2026"
# Printable by Unicode's categories and yet invisible: fillers, the Braille blank, variation selectors, joiners.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_LONGEST: Final = 4096


def _inert(text: str, max_len: int = _LONGEST, *, keep: str = "") -> str:
    """Escape every character that is not plainly visible, and cut the result.

    Args:
        text: Anything; lone surrogates included.
        max_len: Longest result in characters; a cut one ends in an ellipsis.
        keep: Control characters to leave, such as a tab.
    """
    cut = text[: max_len + 1]
    if not cut.isprintable() or _INVISIBLE.search(cut):
        cut = "".join(char if _is_visible(char) or char in keep else _escape(char) for char in cut)
    return cut if len(cut) <= max_len else cut[: max_len - 1] + ELLIPSIS


def _is_visible(char: str) -> bool:
    return char.isprintable() and not _INVISIBLE.match(char)


def _escape(char: str) -> str:
    code = ord(char)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if char in short:
        return short[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
