"""Statements of a block that stand in another order: which now runs before or after which."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from nightlab.controller.explain.what.imports import module_of
from nightlab.controller.explain.what.notes import Notes, Rank
from nightlab.controller.explain.what.shown import quoted

Pair = tuple[ast.stmt, ast.stmt]


def compare_order(old: Sequence[ast.stmt], new: Sequence[ast.stmt], matched: Sequence[Pair], notes: Notes) -> None:
    """Note which of the statements that both blocks have crossed each other.

    Args:
        old: The earlier block.
        new: The later block.
        matched: Statements of both that are the same ones, imports aside: those are matched by module.
        notes: Where facts go.
    """
    pairs = [*matched, *_imports(old, new)]
    at_old = {id(statement): index for index, statement in enumerate(old)}
    at_new = {id(statement): index for index, statement in enumerate(new)}
    # Names of one `import a, b` share a position; the order among them stays.
    units = sorted(pairs, key=lambda each: at_old[id(each[0])])
    positions = [at_new[id(each[1])] for each in units]
    staying = _longest_rising(positions)
    facts: dict[tuple[Rank, str, str], list[ast.stmt]] = {}
    for index in (index for index in range(len(units)) if index not in staying):
        _tell(index, units, positions, facts)
    for (rank, subject, verb), others in facts.items():
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        notes.add(rank, others[0], f"{subject} {verb} {_name(others[0])}{more}")


def _imports(old: Sequence[ast.stmt], new: Sequence[ast.stmt]) -> Iterable[Pair]:
    later = {}
    for statement in reversed(new):
        later.update(dict.fromkeys(_modules(statement), statement))
    seen = set()
    for statement in old:
        for module in _modules(statement):
            if module in later and module not in seen:
                seen.add(module)
                yield statement, later[module]


def _modules(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import):
        return [each.name for each in statement.names]
    return [module_of(statement)] if isinstance(statement, ast.ImportFrom) else []


def _longest_rising(positions: Sequence[int]) -> set[int]:
    """Return indices of a longest run that does not fall: what need not have moved."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, position in enumerate(positions):
        where = bisect_left(ends, position + 1)
        before.append(last[where - 1] if where else -1)
        if where == len(ends):
            ends.append(position)
            last.append(index)
        else:
            ends[where], last[where] = position, index
    kept = set()
    index = last[-1] if last else -1
    while index >= 0:
        kept.add(index)
        index = before[index]
    return kept


def _tell(
    index: int, units: Sequence[Pair], positions: Sequence[int], facts: dict[tuple[Rank, str, str], list[ast.stmt]]
) -> None:
    moved = units[index][1]
    passed = [units[at][1] for at in range(index) if positions[at] > positions[index]]
    left = [units[at][1] for at in range(index + 1, len(units)) if positions[at] < positions[index]]
    crossed = left or passed
    verb = "after" if left else "before"
    acting = [
        each for each in crossed if not isinstance(each, ast.Import | ast.ImportFrom) and not _is_definition(each)
    ]
    if isinstance(moved, ast.Import | ast.ImportFrom) and acting:
        # Whoever reads it thinks of the statement that an import passed, not of the import.
        turned = "after" if verb == "before" else "before"
        facts.setdefault((Rank.BEHAVIOUR, quoted(acting[0]), f"now runs {turned}"), []).append(moved)
    elif isinstance(moved, ast.Import | ast.ImportFrom):
        key = (Rank.ORDER, f"imports reordered: {_name(moved)}", f"now {verb}")
        facts.setdefault(key, []).append(crossed[-1] if left else crossed[0])
    elif _is_definition(moved):
        facts.setdefault((Rank.ORDER, _name(moved), f"moved {verb}"), []).append(crossed[-1] if left else crossed[0])
    else:
        anchors = acting or crossed
        key = (Rank.BEHAVIOUR, _name(moved), f"now runs {verb}")
        facts.setdefault(key, []).append(anchors[-1] if left else anchors[0])


def _is_definition(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.ClassDef):
        return f"class `{statement.name}`"
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"`{statement.name}()`"
    return quoted(statement)
