"""What a second look says of a finding: dropped, kept, or kept with a few more words."""

from __future__ import annotations

from dataclasses import dataclass

Kept = str | None  # None: it does not bite here; else words to add to the message, which may be none


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as the worker gets it; ruff's places.

    Attributes:
        code: Rule.
        path: Of the file.
        line: From 1.
        column: From 1, code points.
        end_line: Of the end.
        end_column: Just past the end.
        message: ruff's text, or nightlab's.
    """

    code: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str


def keep() -> Kept:
    """Return what keeps a finding as it is."""
    return ""
