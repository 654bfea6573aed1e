"""Lines of Python: where they start, how they are indented, and which of them begin inside of a string."""

from __future__ import annotations

import io
import re
import textwrap
import tokenize
from typing import Final

_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_STRING_STARTS: Final = frozenset({"FSTRING_START", "TSTRING_START"})
_STRING_ENDS: Final = frozenset({"FSTRING_END", "TSTRING_END"})


def line_starts(text: bytes) -> list[int]:
    """Return the offset of each line in bytes, and the end of the text if it ends without a line break."""
    starts = [0, *(found.end() for found in _BREAK.finditer(text))]
    return starts if starts[-1] == len(text) else [*starts, len(text)]


def line_break(text: bytes) -> str:
    """Return the line break that a file uses: its first one."""
    found = _BREAK.search(text)
    return found.group().decode() if found else "\n"


def indent_unit(text: str) -> str:
    """Return what one level of indentation is in a file: that of its first indented block, else four spaces."""
    found = re.search(r"(?m)^[^\s#][^\n]*:[^\n]*\n(?:[ \t]*\n)*([ \t]+)\S", text.replace("\r\n", "\n"))
    return found.group(1) if found else "    "


def shaped(text: str, prefix: str, ending: str) -> str:
    """Give an author's lines an indentation and a file's line ends; common indentation of theirs goes.

    Returns:
        Whole lines; strings of several lines keep their inside.
    """
    lines = indented(textwrap.dedent(text).strip("\n") + "\n", prefix)
    return lines if ending == "\n" else lines.replace("\n", ending)


def indented(text: str, prefix: str) -> str:
    """Indent lines of Python that are whole statements, but not blank ones and not the inside of strings."""
    inside = _inside_strings(text)
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    return "".join(
        line if number in inside or not line.strip() else prefix + line for number, line in enumerate(lines, start=1)
    )


def _inside_strings(text: str) -> set[int]:
    """Numbers of the lines that begin inside of a string."""
    inside: set[int] = set()
    open_starts: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            if kind in _STRING_STARTS:
                open_starts.append(token.start[0])
            elif kind in _STRING_ENDS or token.type == tokenize.STRING:
                first = open_starts.pop() if kind in _STRING_ENDS else token.start[0]
                inside.update(range(first + 1, token.end[0] + 1))
    except (tokenize.TokenError, IndentationError):
        pass
    return inside
