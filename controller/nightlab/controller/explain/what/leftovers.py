"""Statements that only one of two programs has: moved elsewhere, replaced by others, added or removed."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from nightlab.controller.explain.what.imports import imported
from nightlab.controller.explain.what.notes import Notes, Rank, Scope
from nightlab.controller.explain.what.shape import fingerprint, weight
from nightlab.controller.explain.what.shown import clipped, pair, quoted, shown

MOST_REPLACED: Final = 4


def settle(notes: Notes) -> None:
    """Note what became of all gaps, once every block was compared."""
    arrived = _moved(notes) | _imports_moved_inside(notes)
    for gap in notes.gaps:
        old = [each for each in gap.old if id(each) not in arrived]
        new = [each for each in gap.new if id(each) not in arrived]
        _replaced(old, new, Notes(gap.scope, notes.found))


def _moved(notes: Notes) -> set[int]:
    """Note statements that went to another block; return what is told by that."""
    waiting: dict[int, list[tuple[Scope, ast.stmt]]] = defaultdict(list)
    for gap in notes.gaps:
        for statement in gap.new:
            for inner in _within(statement):
                waiting[fingerprint(inner)].append((gap.scope, inner))
    told: set[int] = set()
    for gap in notes.gaps:
        for statement in gap.old:
            there = waiting.get(fingerprint(statement), [])
            if weight(statement) <= 2 or not there:
                continue
            scope, other = there.pop(0)
            told |= {id(statement), id(other)}
            where = f" from `{_scope(gap.scope)}` to `{_scope(scope)}`" if scope != gap.scope else " to another block"
            Notes(scope, notes.found).add(Rank.BEHAVIOUR, other, f"{_what(statement)} moved{where}", here=False)
    return told


def _within(statement: ast.stmt) -> Iterator[ast.stmt]:
    yield statement
    for field in ("body", "orelse", "finalbody"):
        yield from getattr(statement, field, ()) if not isinstance(statement, ast.FunctionDef) else ()


def _scope(scope: Scope) -> str:
    return ".".join(scope.names) or "module"


def _replaced(old: Sequence[ast.stmt], new: Sequence[ast.stmt], notes: Notes) -> None:
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for side, word in ((old, "removed"), (new, "added")):
        for definition in (each for each in side if isinstance(each, definitions)):
            what = _what(definition, notes.scope)
            notes.add(Rank.DEFINITION, definition, f"{what} {word}", here=not notes.scope.is_class)
    old, new = ([each for each in side if not isinstance(each, definitions)] for side in (old, new))
    if old and new and max(len(old), len(new)) <= MOST_REPLACED:
        one, other = pair(_joined(old), _joined(new))
        return notes.add(Rank.BEHAVIOUR, new[0], f"`{one}` became `{other}`")
    for statement in old:
        notes.add(Rank.BEHAVIOUR, statement, f"{_what(statement)} removed")
    for statement in new:
        notes.add(Rank.BEHAVIOUR, statement, f"{_what(statement)} added")
    return None


def _joined(statements: Sequence[ast.stmt]) -> str:
    return "; ".join(shown(each) for each in statements)


def _what(statement: ast.stmt, scope: Scope | None = None) -> str:
    scope = scope or Scope()
    if isinstance(statement, ast.ClassDef):
        return f"class `{scope.named(statement.name)}`"
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"{'method' if scope.is_class else 'function'} `{scope.named(statement.name)}()`"
    return quoted(statement)


def _imports_moved_inside(notes: Notes) -> set[int]:
    """Note imports that are gone from their block and stand below a new condition; return conditions told by that."""
    told: set[int] = set()
    for statement in (each for gap in notes.gaps for each in gap.new if isinstance(each, ast.If)):
        there = imported(statement.body)
        head = f"`if {clipped(shown(statement.test), 50)}`"
        moved = {f"{each} removed": f"{each} moved under {head}" for each in there}
        for index, note in enumerate(notes.found):
            gone = next((text for text in moved if note.rank is Rank.IMPORT and note.text.startswith(text)), None)
            if gone is not None:
                text = note.text.replace(gone, moved.pop(gone))
                notes.found[index] = replace(note, line=_import_line(statement, note.line), text=text)
        if not moved and len(there) == len(statement.body) and not statement.orelse:
            told.add(id(statement))
    return told


def _import_line(statement: ast.If, line: int | None) -> int | None:
    return statement.body[0].lineno if statement.body else line
