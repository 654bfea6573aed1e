"""Turn modules into points."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from modulemap import settings

Point = tuple[float, ...]


def describe(text: str) -> Point:
    lines = text.splitlines()
    filled = [line for line in lines if line.strip()]
    count = len(filled)
    return (
        sum(line.lstrip().startswith("#") for line in filled) / count,
        sum(line.lstrip().startswith(("def ", "async def ")) for line in filled) / count * 10,
        sum(line.lstrip().startswith("class ") for line in filled) / count * 30,
        sum(line.lstrip().startswith(("import ", "from ")) for line in filled) / count * 10,
        sum(len(line) for line in filled) / count / 40,
        sum(len(line) - len(line.lstrip()) for line in filled) / count / 8,
        1 - count / len(lines),
    )


def load() -> dict[str, Point]:
    root = Path(sysconfig.get_paths()["stdlib"])
    texts = {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in sorted(root.glob("*.py"))}
    return {name: describe(text) for name, text in texts.items() if text.count("\n") >= settings.MIN_LINES}
