"""Globs as the contracts mean them."""

import pytest

from nightlab.api.globs import matches, matches_any


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a.py", "**/*.py", True),
        ("x/y/a.py", "**/*.py", True),
        ("x/a.py", "*.py", False),
        ("x/y/a", "x/**", True),
        ("x", "x/**", False),
        ("x/y/z/a.py", "x/**/a.py", True),
        ("x/a.py", "x/**/a.py", True),
        ("a.pyc", "*.py", False),
        ("a1.py", "a[0-9].py", True),
        ("ab.py", "a[!0-9].py", True),
        ("a/b", "a[!0-9]b", False),
        ("a+b.py", "a+b.py", True),
        ("a\nb", "*", True),
        ("[x", "[x", True),
    ],
)
def test_pattern(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected


def test_no_pattern_matches_nothing() -> None:
    assert not matches_any("a", [])
    assert matches_any("a", ["b", "a"])
