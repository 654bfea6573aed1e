"""Tells whether one name is probably another one mistyped."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 4
LONG: Final = 9  # from here on two slips are still one word


def likely(name: str, candidates: set[str]) -> str:
    """Return the name that was probably meant; empty if none is near enough."""
    near = [(distance(name, other), other) for other in candidates if is_near(name, other)]
    return min(near)[1] if near else ""


def is_near(one: str, other: str) -> bool:
    """Tell whether two names differ as a typo does: a letter, two that changed places, case, underscores, a plural.

    Names that differ by a digit are two of a series, not a typo.
    """
    if one == other or min(len(one), len(other)) < SHORTEST:
        return False
    if one.startswith("_") != other.startswith("_") or _letters(one) == _letters(other):
        return False
    if one.replace("_", "").lower() == other.replace("_", "").lower():
        return True
    most = 2 if min(len(one), len(other)) >= LONG else 1
    return distance(one, other) <= most


def distance(one: str, other: str) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours (Damerau-Levenshtein, restricted)."""
    if abs(len(one) - len(other)) > 3:
        return 99
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        above, row = row, [i]
        for j, right in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before = above
    return row[-1]


def _letters(name: str) -> str:
    return "".join(c for c in name if not c.isdigit())
