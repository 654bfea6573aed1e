"""What the worker can be asked for: pure functions from JSON values (with bytes) to such values, by name.

Files travel as lists of [path, content]: a path is no key that we chose. The host's side of each is in `explainer`:
"writers" answers {"writers": [...], "unexplained": [...]}, "fixes" a list of fixes, "redo" files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Final

from nightlab.controller.explain.self_reading import reads_itself
from nightlab.controller.explain.weigh.weigh import own_findings, weigh
from nightlab.controller.explain.weigh.weighed import Found
from nightlab.controller.explain.what.canonical import canonical
from nightlab.controller.explain.what.changes import changes
from nightlab.controller.explain.who.fixes import fixes
from nightlab.controller.explain.who.replay import redo, writers

Pairs = Iterable[tuple[str, bytes]]


def _changes(before: Pairs, after: Pairs, rest: Pairs) -> list[dict[str, Any]]:
    return [asdict(change) for change in changes(dict(before), dict(after), dict(rest))]


def _canonical(files: Pairs) -> list[tuple[str, str]]:
    return list(canonical(dict(files)).items())


def _reads_itself(files: Pairs) -> list[str]:
    return list(reads_itself(dict(files)))


def _weigh(
    files: Pairs, looked_at: list[str], found: list[dict[str, Any]], paths: list[str]
) -> dict[str, list[dict[str, Any]]]:
    known = dict(files)
    kept = weigh(known, [Found(**each) for each in found], paths)
    return {"kept": [asdict(each) for each in kept], "own": [asdict(f) for f in own_findings(known, looked_at, paths)]}


OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "changes": _changes,
    "canonical": _canonical,
    "reads_itself": _reads_itself,
    "weigh": _weigh,
    "writers": writers,
    "fixes": fixes,
    "redo": redo,
}
