"""Makes text that nobody vouches for (logs, file, branch and plugin names, error messages) safe to show.

`inert` is for every use; the others add what one kind of output needs. Cutting logs down belongs to their readers.
"""

from __future__ import annotations

import html
import re
from typing import Final

from rich.markup import escape

DEFAULT_MAX_CHARS: Final = 2000
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
# Printable by Unicode's categories and yet invisible: fillers, the Braille blank, variation selectors, joiners.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def inert(text: str, max_len: int = DEFAULT_MAX_CHARS, *, keep_lines: bool = False) -> str:
    """Replace every character that does not print by an escape that does.

    Control characters (C0, C1, ESC), direction marks, zero-width characters, odd spaces, unpaired surrogates and
    unassigned code points become "\\x1b", "\\u202e" or "\\U000e0041". The result may be printed, but is neither HTML,
    Rich markup nor a CSV cell: see the functions below.

    Args:
        text: Anything.
        max_len: Characters of the text that are kept; a longer one ends with how many were left out.
        keep_lines: Leave line breaks as they are.
    """
    kept = text[:max_len]
    shown = visible(kept, keep="\n" if keep_lines else "")
    left_out = len(text) - len(kept)
    return f"{shown}… ({left_out} more characters)" if left_out else shown


def visible(text: str, *, keep: str = "") -> str:
    """Escape every character that is not plainly visible; doing it twice changes nothing more.

    Args:
        text: Anything; lone surrogates included.
        keep: Control characters to leave, such as a tab.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(char if _is_visible(char) or char in keep else _escape(char) for char in text)


def _is_visible(char: str) -> bool:
    return char.isprintable() and not _INVISIBLE.match(char)


def _escape(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if named is not None:
        return named
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def inert_html(text: str, max_len: int = DEFAULT_MAX_CHARS, *, keep_lines: bool = False) -> str:
    """Return inert text for an HTML element or a quoted attribute."""
    return html.escape(inert(text, max_len, keep_lines=keep_lines), quote=True)


def inert_markup(text: str, max_len: int = DEFAULT_MAX_CHARS, *, keep_lines: bool = False) -> str:
    """Return inert text for a string that Rich reads as markup: no tag in it takes effect or raises.

    A backslash at the end becomes "\\x5c": what Rich makes of one depends on what follows the text.
    """
    shown = inert(text, max_len, keep_lines=keep_lines)
    return escape(f"{shown[:-1]}\\x5c" if shown.endswith("\\") else shown)


def inert_cell(text: str, max_len: int = DEFAULT_MAX_CHARS) -> str:
    """Return inert text for a CSV cell that no spreadsheet takes for a formula; quoting belongs to the csv module."""
    shown = inert(text, max_len)
    return "'" + shown if text.lstrip(" ").startswith(_FORMULA_STARTS) and not _is_number(shown) else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
