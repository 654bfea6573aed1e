"""SECURITY.md names tests and modules that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text()
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)))
PLACES = ("proto/nightlab", "controller/nightlab/controller", "sandbox/nightlab", "plugins/nightlab", "")


def test_the_page_names_tests():
    assert len(TESTS) > 40


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_named_test_exists(path, name):
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_named_modules_exist():
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") == 3]
    named = {name for row in rows for name in re.findall(r"`([\w/-]+(?:\.py|\.c|/))`", row[2])}
    assert len(named) > 25
    assert [name for name in named if not any((ROOT / place / name).exists() for place in PLACES)] == []
