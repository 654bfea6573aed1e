"""Sorts a repo's files and a run's: what nothing may change, what a run leaves behind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

EVALUATES: Final = re.compile(
    r"(?:^|/)(?:[\w-]*_)?(?:eval|evals|evaluate|evaluation|evaluator|metric|metrics|benchmark|scorer|scoring)(?:_[\w-]+)?\.py$"
)
PREPARES: Final = re.compile(
    r"(?:^|/)(?:[\w-]*_)?(?:dataset|datasets|corpus|tokenizer|tokenize|prepare|preprocess|download|fetch|make_data)(?:_[\w-]+)?\.py$"
)
TESTS: Final = re.compile(r"(?:^|/)(?:tests?/.*|test_[\w-]+\.py|conftest\.py)$")
DATA: Final = re.compile(r"(?:^|/)(?:data|datasets?|corpus|assets)/.*\.(?:json|jsonl|yaml|yml|toml)$")
LOCKS: Final = re.compile(r"(?:^|/)(?:package(?:-lock)?\.json|pyproject\.toml|uv\.lock|poetry\.lock|setup\.py)$")
CONFIG_BYTES: Final = 256 * 1024  # a larger JSON or YAML file is data, not settings
LEAVINGS: Final = re.compile(r"(?:^|/)(?:__pycache__|\.cache|\.pytest_cache|\.ipynb_checkpoints)/|\.py[co]$|\.lock$")
MOST_OUTPUTS: Final = 20
MOST_PROTECTED: Final = 40


def protected_files(files: Mapping[str, int], starts: Sequence[str]) -> dict[str, str]:
    """Return the files that nothing may change, each with its reason.

    Args:
        files: Paths of the repo -> bytes; only those that an action could edit are named.
        starts: Files that the training command starts; they are never protected.
    """
    found = {}
    for path, size in sorted(files.items()):
        if path not in starts and path.endswith((".py", ".toml", ".yaml", ".yml", ".json")):
            reason = _reason(path, size)
            if reason:
                found[path] = reason
    return _folded(found)


def _reason(path: str, size: int) -> str:
    lower = path.lower()
    if TESTS.search(lower):
        return "a test"
    if EVALUATES.search(lower):
        return "it evaluates"
    if PREPARES.search(lower):
        return "it makes the data"
    if DATA.search(lower) or (not lower.endswith(".py") and size > CONFIG_BYTES):
        return "data"
    return "packaging" if LOCKS.search(lower) else ""


def _folded(found: Mapping[str, str]) -> dict[str, str]:
    """Name a whole tests folder by one glob."""
    folded: dict[str, str] = {}
    for path, reason in found.items():
        match = re.match(r"(.*?(?:^|/)tests?)/", path) if reason == "a test" else None
        folded[f"{match[1]}/**" if match else path] = reason
    return dict(list(folded.items())[:MOST_PROTECTED])


def output_globs(written: Mapping[str, int], tracked: Iterable[str]) -> tuple[str, ...]:
    """Return globs for the files that a run wrote: whole folders where the repo has nothing in them."""
    folders = {parent for path in tracked if not path.rpartition("/")[2].startswith(".") for parent in _parents(path)}
    globs: dict[str, None] = {}
    for path in sorted(written):
        if not LEAVINGS.search(path) and re.search(r"[*?\[\]{}!\\]", path) is None:
            own = next((parent for parent in _parents(path) if parent not in folders), None)
            globs[f"{own}/**" if own else path] = None
    return tuple(globs)[:MOST_OUTPUTS]


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
