"""Tells a file in a newer Python than the running one from a broken file."""

from __future__ import annotations

from typing import Final

MOST_PARSED: Final = 256 * 1024


def is_newer_python(content: bytes) -> bool:
    """Tell whether libcst, which knows newer grammars, parses a file that `ast` does not."""
    if len(content) > MOST_PARSED:
        return False
    import libcst  # a second to import: only who needs it pays

    try:
        libcst.parse_module(content)
    except (libcst.ParserSyntaxError, UnicodeError, ValueError, LookupError, RecursionError):
        return False
    return True
