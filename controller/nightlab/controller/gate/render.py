"""Shows findings: to a person with the line and carets below it, to an agent as JSON values. Bounded and inert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from nightlab.controller.gate.rules import OWN, WEIGHED
from nightlab.controller.model.trial import Finding
from nightlab.controller.text import inert

SHOWN: Final = 20
LINE_CHARS: Final = 160
MESSAGE_CHARS: Final = 400


def render(findings: Sequence[Finding], lines: Mapping[tuple[str, int], str], *, most: int = SHOWN) -> str:
    """Write findings for a person.

    Args:
        findings: By place.
        lines: Source lines without their ends, by path and number, where they are known.
        most: Findings to show; the rest is counted.
    """
    parts = [_one(finding, lines.get((finding.path, finding.line))) for finding in findings[:most]]
    if len(findings) > most:
        parts.append(f"and {len(findings) - most} more")
    return "\n".join(parts)


def as_json(findings: Sequence[Finding], *, most: int = 100) -> list[dict[str, Any]]:
    """Return findings as JSON values for their author: ruff's facts, and why the rule stops a launch."""
    return [
        {**asdict(finding), "message": inert(finding.message, MESSAGE_CHARS), "why": why(finding)}
        for finding in findings[:most]
    ]


def why(finding: Finding) -> str:
    """Say in a few words what kind of bug a finding is."""
    return OWN.get(finding.code) or WEIGHED.get(finding.code) or finding.rule.replace("-", " ")


def _one(finding: Finding, line: str | None) -> str:
    path = inert(finding.path, LINE_CHARS)
    text = f"{path}:{finding.line}:{finding.column}: {finding.code} {inert(finding.message, MESSAGE_CHARS)}"
    if line is not None:
        text += f"\n{_excerpt(finding, line)}"
    return f"{text}\n    = fix: {inert(finding.fix, MESSAGE_CHARS)}" if finding.fix else text


def _excerpt(finding: Finding, line: str) -> str:
    """Cut a long line around the place, and point at it; a tab is as wide as one caret."""
    start = max(0, min(finding.column - 1, len(line)))
    left = max(0, start - LINE_CHARS // 2)
    shown = "".join(c if c.isprintable() else " " for c in line[left : left + LINE_CHARS])
    width = finding.end_column - finding.column if finding.end_line == finding.line else len(line) - start
    carets = "^" * max(1, min(width, len(shown) - (start - left)))
    return f"    | {shown}\n    | {' ' * (start - left)}{carets}"
