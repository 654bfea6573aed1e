"""Globs match as pathlib's do, and prune what cannot match."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.sandbox import globs
from nightlab.sandbox.errors import Refused

NAMES = st.sampled_from(["a", "b", "ab", "a.pt"])
PARTS = st.sampled_from(["a", "*", "a*", "**", "?b", "*.pt"])


def matches(glob: str, path: str) -> bool:
    state = globs.start([glob])
    *directories, name = path.split("/")
    for directory in directories:
        state = globs.enter(state, directory)
    return globs.matches(state, name)


def expected(parts: list[str], names: list[str]) -> bool:
    """Say the same by recursion over the definition."""
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return parts == ["**"] or expected(parts[1:], names) or expected(parts, names[1:])
    return PurePosixPath(names[0]).match(parts[0]) and expected(parts[1:], names[1:])


@given(st.lists(PARTS, min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=4))
def test_agrees_with_the_definition(parts, names):
    assert matches("/".join(parts), "/".join(names)) == expected(parts, names)


def test_directory_that_cannot_match_is_not_entered():
    state = globs.start(["out/*.json", "**/x/y"])
    assert globs.enter(globs.start(["out/*.json"]), "data") == frozenset()
    assert globs.enter(state, "data") != frozenset()


@pytest.mark.parametrize("glob", ["", "/a", "a//b", "../a", "a/..", "./a"])
def test_glob_that_is_not_relative_is_refused(glob):
    with pytest.raises(Refused):
        globs.start([glob])
