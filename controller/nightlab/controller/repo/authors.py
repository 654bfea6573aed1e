"""Turns an edit's author into a git identity, and facts about an edit into a commit message's trailers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from nightlab.controller.repo.objects import Person
from nightlab.controller.text import inert

KINDS: Final = frozenset({"base", "action", "agent", "ruff", "formatter", "nightlab", "unknown"})
NIGHTLAB: Final = Person("nightlab", "nightlab@nightlab.invalid")
_TRAILER_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def person(author: str) -> Person:
    """Return the identity of an author: "action:a/b" becomes "action:a/b <action@nightlab.invalid>".

    Raises:
        ValueError: The author is none of those that DESIGN.md names.
    """
    kind = author.split(":", 1)[0]
    if kind not in KINDS:
        raise ValueError(f"{author!r} is not an edit's author; it starts with one of {', '.join(sorted(KINDS))}")
    return Person(author, f"{kind}@nightlab.invalid")


def commit_message(text: str, trailers: Mapping[str, str]) -> str:
    """Return a commit message: the text, then one line for each trailer.

    Raises:
        ValueError: A trailer's name has other characters than letters, digits and '-'.
    """
    lines = []
    for key, value in trailers.items():
        if _TRAILER_KEY.fullmatch(key) is None:
            raise ValueError(f"{key!r} cannot name a trailer")
        lines.append(f"{key}: {inert(value)}")
    shown = inert(text.strip(), 20_000, keep_lines=True) or "(no message)"
    return shown + "\n" + ("\n" + "\n".join(lines) + "\n" if lines else "")
