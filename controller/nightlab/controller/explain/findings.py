"""Findings on their way to the worker and back: what it says of them is checked against what it was asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from nightlab.controller.errors import ExplainFailed
from nightlab.controller.explain import answers
from nightlab.controller.model.trial import Finding
from nightlab.controller.text import inert

MESSAGE_CHARS: Final = 600
MOST_OWN: Final = 2_000
_OWN: Final = re.compile(r"NL\d{3}")
_PLACES: Final = ("line", "column", "end_line", "end_column")


def as_found(finding: Finding) -> dict[str, Any]:
    """Return what the worker is told of a finding."""
    return {key: getattr(finding, key) for key in ("code", "path", *_PLACES, "message")}


def as_findings(told: Any, asked: Sequence[Finding], looked_at: Collection[str]) -> tuple[Finding, ...]:
    """Return the findings of an answer: those that were asked for, as they were but for the words, and own ones.

    Raises:
        ExplainFailed: It speaks of what it was not asked.
    """
    answer = answers.as_type(dict[str, list[dict[str, Any]]], told)
    known = {_place(as_found(finding)): finding for finding in asked}
    kept = []
    for each in answer.get("kept", []):
        finding = known.get(_place(each))
        if finding is None:
            raise ExplainFailed("the explaining worker weighed a finding that it was not asked about")
        kept.append(replace(finding, message=_words(each)))
    files = frozenset(looked_at)
    return (*kept, *(_own(each, files) for each in answer.get("own", [])[:MOST_OWN]))


def _own(each: dict[str, Any], files: Collection[str]) -> Finding:
    code, path = str(each.get("code")), str(each.get("path"))
    places = [each.get(key) for key in _PLACES]
    if not _OWN.fullmatch(code) or path not in files:
        raise ExplainFailed(
            f"the explaining worker found {inert(code, 40)!r} in {inert(path, 100)!r}, where it was not asked"
        )
    line, column, end_line, end_column = (place if isinstance(place, int) and place > 0 else 1 for place in places)
    return Finding(code, path, line, column, _words(each), end_line=end_line, end_column=end_column)


def _place(each: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(each.get(key) for key in ("code", "path", "line", "column", "end_line", "end_column"))


def _words(each: dict[str, Any]) -> str:
    return inert(str(each.get("message")), MESSAGE_CHARS)
