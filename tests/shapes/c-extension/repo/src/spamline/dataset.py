"""Lines of the standard library as sparse rows: prose (in comments and docstrings) against code."""

from __future__ import annotations

import ast
import random
import sysconfig
import zlib
from array import array
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Rows:
    indices: array = field(default_factory=lambda: array("i"))
    offsets: array = field(default_factory=lambda: array("i", [0]))
    labels: array = field(default_factory=lambda: array("b"))

    def add(self, features: list[int], label: bool) -> None:
        self.indices.extend(features)
        self.offsets.append(len(self.indices))
        self.labels.append(label)


def docstring_lines(tree: ast.Module) -> set[int]:
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    return {line for n in nodes if isinstance(n.value.value, str) for line in range(n.lineno, n.end_lineno + 1)}


def labelled_lines(packages: tuple[str, ...]) -> list[tuple[str, bool]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for path in sorted(p for name in packages for p in root.glob(f"{name}/*.py")):
        text = path.read_text(encoding="utf-8")
        prose = docstring_lines(ast.parse(text))
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = line.strip().lstrip("#").strip().strip('"')
            if stripped:
                found.append((stripped, number in prose or line.lstrip().startswith("#")))
    return found


def hashed(line: str, buckets: int, gram: int) -> list[int]:
    grams = {line[i : i + gram] for i in range(max(1, len(line) - gram + 1))}
    return [zlib.crc32(g.encode()) % buckets for g in sorted(grams)]


def split(packages: tuple[str, ...], buckets: int, gram: int, held_out: float, seed: int) -> tuple[Rows, Rows]:
    """Shuffle by the seed and return training and held-out rows."""
    lines = labelled_lines(packages)
    random.Random(seed).shuffle(lines)
    cut = int(len(lines) * held_out)
    parts = Rows(), Rows()
    for part, chunk in zip(parts, (lines[cut:], lines[:cut])):
        for line, label in chunk:
            part.add(hashed(line, buckets, gram), label)
    return parts
