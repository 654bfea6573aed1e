"""What changed, file by file: picks the way to read each, and says what the change may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from nightlab.controller.explain.docstring_reading import reads_docstrings
from nightlab.controller.explain.plain import sized
from nightlab.controller.explain.self_reading import reads_itself
from nightlab.controller.explain.what.keyed import TooLarge, keyed_notes, kind_of, read, words
from nightlab.controller.explain.what.lines import line_notes
from nightlab.controller.explain.what.notes import Note, Rank, ordered
from nightlab.controller.explain.what.parsing import is_python, parse
from nightlab.controller.explain.what.patience import OutOfTime, Patience
from nightlab.controller.explain.what.python import Told, python_change
from nightlab.controller.explain.what.texts import cut_notes
from nightlab.controller.explain.what.unified import lines_of, unified
from nightlab.controller.model.change import Effect, Fact, FileChange

CALL_S: Final = 14.0
FILE_S: Final = 4.0
LINES_S: Final = 2.0
READERS_S: Final = 6.0


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes], rest: Mapping[str, bytes]) -> list[FileChange]:
    """Say what changed in each file, by path.

    Args:
        before: Earlier contents; a path that is missing was added.
        after: Later contents; a path that is missing was removed.
        rest: The tree's other Python sources, which may read those that changed.
    """
    patience = Patience(CALL_S)
    paths = sorted(before.keys() | after.keys())
    found = [_change(path, before.get(path), after.get(path), patience) for path in paths]
    return _with_readers(found, before, after, rest, patience)


def _change(path: str, before: bytes | None, after: bytes | None, patience: Patience) -> FileChange:
    if before is None or after is None:
        told = Told(Effect.BEHAVIOUR, [_one_side(path, before, after)])
    elif before == after:
        told = Told(Effect.SAME_PROGRAM, [Note(Rank.TEXT, None, "same content")])
    else:
        told = _told(path, before, after, patience)
    cut = cut_notes(before, after) if before and after is not None and told.effect is Effect.BEHAVIOUR else []
    return FileChange(path, told.effect, ordered(path, [*cut, *told.notes]), _diff(path, before, after, patience))


def _told(path: str, before: bytes, after: bytes, patience: Patience) -> Told:
    """Read a file in the best way that works on it; a hostile one is read in a simpler way, never not at all."""
    try:
        with patience.part(FILE_S):
            if is_python(path):
                return python_change(before, after)
            if kind := kind_of(path):
                return _keyed(kind, before, after)
        why = ""
    except (RecursionError, MemoryError):
        why = "nested too deeply"
    except OutOfTime:
        why = "too large to be compared in time"
    except Exception as error:  # one odd file must not cost the answer about the others
        why = f"{type(error).__name__} while it was read as a program"
    notes = [Note(Rank.TEXT, None, f"compared by line: {why}")] if why else []
    return Told(Effect.BEHAVIOUR, [*_lines(before, after, patience), *notes])


def _lines(before: bytes, after: bytes, patience: Patience) -> list[Note]:
    try:
        with patience.part(LINES_S):
            return line_notes(before, after)
    except OutOfTime:
        return [Note(Rank.BEHAVIOUR, None, sized(before, after, "too large to be compared in time"))]


def _diff(path: str, before: bytes | None, after: bytes | None, patience: Patience) -> str:
    try:
        with patience.part(LINES_S):
            return unified(path, before, after)
    except OutOfTime:
        return "(too large to be shown as a diff)\n"


def _keyed(kind: str, before: bytes, after: bytes) -> Told:
    try:
        old = read(kind, before)
    except ValueError:
        return Told(Effect.BEHAVIOUR, line_notes(before, after))
    try:
        new = read(kind, after)
    except TooLarge:
        return Told(Effect.BEHAVIOUR, line_notes(before, after))
    except ValueError as error:
        broken = Note(Rank.BROKEN, None, f"cannot be read as {kind.upper()} any more: {error}")
        return Told(Effect.BEHAVIOUR, [broken, *line_notes(before, after)])
    if [*words(old)] == [*words(new)]:
        return Told(Effect.SAME_PROGRAM, [Note(Rank.TEXT, None, "comments and format only, same values")])
    return Told(Effect.BEHAVIOUR, keyed_notes(old, new, after.decode("utf-8-sig")) or line_notes(before, after))


def _one_side(path: str, before: bytes | None, after: bytes | None) -> Note:
    content, word = (after, "added") if before is None else (before, "removed")
    assert content is not None
    lines = lines_of(content)
    if lines is None:
        return Note(Rank.DEFINITION, None, sized(before, after, "binary"))
    count = f"{len(lines):,} line{'s' if len(lines) != 1 else ''}"
    broken = parse(content) if is_python(path) and after is not None else None
    if broken is not None and broken.tree is None:
        return Note(Rank.BROKEN, broken.line or None, f"file added, {count}, does not parse: {broken.problem}")
    return Note(Rank.DEFINITION, None, f"file {word}, {count}")


def _with_readers(
    found: list[FileChange],
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    rest: Mapping[str, bytes],
    patience: Patience,
) -> list[FileChange]:
    """Where the program looks at its own text or docstrings, a change of them may change what it does."""
    weak = [change for change in found if change.effect is not Effect.BEHAVIOUR and is_python(change.path)]
    if not weak:
        return found
    sources = {path: content for path, content in {**rest, **after}.items() if is_python(path)}
    try:
        with patience.part(READERS_S):
            itself = reads_itself(sources)
            reasons = {each.path: (*itself, *_readers(each, before, after, sources)) for each in weak}
    except OutOfTime:
        reasons = {each.path: ("perhaps; it is too large to be searched in time",) for each in weak}
    return [_raised(change, reasons.get(change.path, ())) for change in found]


def _readers(
    change: FileChange, before: Mapping[str, bytes], after: Mapping[str, bytes], sources: Mapping[str, bytes]
) -> tuple[str, ...]:
    if change.effect is not Effect.DOCSTRING:
        return ()
    return reads_docstrings(before[change.path], after[change.path], sources)


def _raised(change: FileChange, reasons: tuple[str, ...]) -> FileChange:
    if not reasons:
        return change
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    fact = Fact(change.path, None, f"the program looks at its own text: {reasons[0]}{more}")
    return replace(change, effect=Effect.BEHAVIOUR, facts=(*change.facts[:49], fact))
