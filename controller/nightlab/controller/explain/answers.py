"""Checks what the worker answers before any of it is believed: types, sizes, that it speaks of what was asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from nightlab.controller.errors import ExplainFailed
from nightlab.controller.explain.orders import MadeFix
from nightlab.controller.model.change import Fact, FileChange, Writer
from nightlab.controller.text import inert

MOST_FACTS: Final = 50
FACT_CHARS: Final = 400
DIFF_BYTES: Final = 64 * 1024
MOST_WRITERS: Final = 100
_CUT: Final = "\n(the diff goes on)\n"


def as_type(kind: Any, value: Any) -> Any:
    """Return the value as `kind`, any type that pydantic knows.

    Raises:
        ExplainFailed: It is something else.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ExplainFailed(f"the explaining worker answered nonsense ({place}: {first['msg']})") from error


def as_changes(value: Any, paths: Collection[str]) -> tuple[FileChange, ...]:
    """Return changes of the files that were asked about, bounded.

    Raises:
        ExplainFailed: They are of other files or no changes.
    """
    found: tuple[FileChange, ...] = as_type(tuple[FileChange, ...], value)
    _same_paths((change.path for change in found), paths)
    return tuple(_bounded(change) for change in found)


def as_writers(value: Any, paths: Collection[str]) -> tuple[Writer, ...]:
    """Return writers of the files that were asked about.

    Raises:
        ExplainFailed: They are of other files or no writers.
    """
    found: tuple[Writer, ...] = as_type(tuple[Writer, ...], value)
    _same_paths((path for writer in found for path in writer.paths), paths)
    return found[:MOST_WRITERS]


def as_facts(value: Any, paths: Collection[str]) -> tuple[Fact, ...]:
    """Return facts of the files that were asked about, bounded.

    Raises:
        ExplainFailed: They are of other files or no facts.
    """
    found: tuple[Fact, ...] = as_type(tuple[Fact, ...], value)
    _same_paths((fact.path for fact in found), paths)
    return tuple(map(_short, found[:MOST_FACTS]))


def as_fixes(value: Any, paths: Collection[str]) -> tuple[MadeFix, ...]:
    """Return fixes of the files that were asked about.

    Raises:
        ExplainFailed: They are of other files or no fixes.
    """
    pairs = [{**as_type(dict[str, Any], each), "files": dict(each["files"])} for each in as_type(list[Any], value)]
    found: tuple[MadeFix, ...] = as_type(tuple[MadeFix, ...], pairs)
    _same_paths((path for fix in found for path in fix.files), paths)
    return tuple(replace(fix, changes=as_changes(fix.changes, paths)) for fix in found)


def as_files(value: Any, paths: Collection[str]) -> Mapping[str, bytes]:
    """Return contents of files that were asked about.

    Raises:
        ExplainFailed: They are of other files or no contents.
    """
    found = dict(as_type(list[tuple[str, bytes]], value))
    _same_paths(found, paths)
    return found


def _same_paths(found: Any, asked: Collection[str]) -> None:
    strange = sorted(set(found) - set(asked))
    if strange:
        raise ExplainFailed(f"the explaining worker speaks of {inert(strange[0], 100)!r}, which it was not asked about")


def _bounded(change: FileChange) -> FileChange:
    facts = tuple(_short(replace(fact, path=change.path)) for fact in change.facts[:MOST_FACTS])
    if not facts:
        raise ExplainFailed(f"the explaining worker has nothing to say of {inert(change.path, 100)!r}")
    return replace(change, facts=facts, diff=_cut(change.diff))


def _short(fact: Fact) -> Fact:
    return replace(fact, text=inert(fact.text, FACT_CHARS))


def _cut(diff: str) -> str:
    raw = diff.encode(errors="surrogatepass")
    if len(raw) <= DIFF_BYTES:
        return diff
    kept = raw[: DIFF_BYTES - len(_CUT)].decode(errors="replace")
    return kept.rpartition("\n")[0] + _CUT
