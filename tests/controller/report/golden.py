"""Compares a rendering with its file under tests/data; UPDATE_GOLDEN=1 writes it anew, to be read in the diff."""

import os
from pathlib import Path

DATA = Path(__file__).parents[2] / "data" / "report"


def check_golden(name: str, text: str) -> None:
    """Fail unless the file holds exactly this text."""
    path = DATA / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{name} differs; UPDATE_GOLDEN=1 rewrites it, then read its diff"
