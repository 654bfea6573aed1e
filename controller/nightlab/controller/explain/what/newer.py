"""Tells a file in a newer Python than the running one from a broken file."""

from __future__ import annotations

from typing import Final

MOST_PARSED: Final = 256 * 1024
LONGEST_LINE: Final = 1000


def is_newer_python(content: bytes) -> bool:
    """Tell whether libcst, which knows newer grammars, parses a file that `ast` does not."""
    # A parser in native code takes a nested line for an hour, or the process with it.
    if len(content) > MOST_PARSED or any(len(line) > LONGEST_LINE for line in content.splitlines()):
        return False
    import libcst  # a second to import: only who needs it pays

    try:
        libcst.parse_module(content)
    except (libcst.ParserSyntaxError, SyntaxError, UnicodeError, ValueError, LookupError, RecursionError):
        return False
    return True
