"""nightlab's own rules keep quiet on code that has run for years."""

from __future__ import annotations

import asyncio
import sysconfig
from pathlib import Path

from nightlab.controller.explain.weigh.weigh import own_findings
from nightlab.controller.gate.render import as_json, render
from nightlab.controller.model.trial import Finding

LIBRARY = Path(sysconfig.get_path("stdlib"))
READ = [
    "json",
    "logging",
    "email",
    "http",
    "asyncio",
    "concurrent",
    "unittest",
    "xml",
    "urllib",
    "importlib",
    "ctypes",
    "multiprocessing",
]


async def test_own_rules_find_nothing_in_the_standard_library() -> None:
    paths = [path for name in READ for path in sorted((LIBRARY / name).glob("*.py"))]
    files = {path.relative_to(LIBRARY).as_posix(): path.read_bytes() for path in paths}
    assert len(files) > 100
    assert await asyncio.to_thread(own_findings, files, list(files), list(files)) == []


def test_a_finding_is_shown_with_a_caret_below_its_place() -> None:
    finding = Finding("F821", "train.py", 3, 7, "Undefined name `y`", end_line=3, end_column=8, fix="Import y")
    shown = render([finding] * 3, {("train.py", 3): "print(y)"}, most=1)
    assert shown.splitlines() == [
        "train.py:3:7: F821 Undefined name `y`",
        "    | print(y)",
        "    |       ^",
        "    = fix: Import y",
        "and 2 more",
    ]


def test_nothing_hostile_reaches_a_terminal() -> None:
    finding = Finding("F821", "a\x1b[2J.py", 1, 90_000, "x" * 9_000 + "\x1b]0;t\x07", end_line=1, end_column=1)
    shown = render([finding], {("a\x1b[2J.py", 1): "\x1b[31m" + "y" * 100_000})
    assert "\x1b" not in shown
    assert len(shown) < 2_000
    assert len(as_json([finding] * 500)) == 100
