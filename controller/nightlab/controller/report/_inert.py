"""Inert text that is cut to a width: what every surface of a report writes untrusted text through."""

from __future__ import annotations

from typing import Final

from nightlab.controller.text import visible

ELLIPSIS: Final = "\u2026"
_LONGEST: Final = 4096


def _inert(text: str, max_len: int = _LONGEST, *, keep: str = "") -> str:
    """Escape every character that is not plainly visible, and cut the result.

    Args:
        text: Anything; lone surrogates included.
        max_len: Longest result in characters; a cut one ends in an ellipsis.
        keep: Control characters to leave, such as a tab.
    """
    cut = visible(text[: max_len + 1], keep=keep)
    return cut if len(cut) <= max_len else cut[: max_len - 1] + ELLIPSIS
