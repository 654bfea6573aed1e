"""Which statements of two blocks are the same ones: equal, or equal in what they are about."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby, islice
from typing import Final

from nightlab.controller.explain.what.shape import fingerprint, tokens, weight
from nightlab.controller.explain.what.shown import callee, shown

ALIKE: Final = 0.6
MOST_COMPARED: Final = 2500
_COMPARED_WORDS: Final = 2000
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(slots=True)
class Alignment:
    """Two blocks side by side.

    Attributes:
        equal: Statements that are the same, wherever they stand.
        paired: Statements that changed.
        gaps: What is left on either side, by place.
    """

    equal: list[tuple[ast.stmt, ast.stmt]] = field(default_factory=list)
    paired: list[tuple[ast.stmt, ast.stmt]] = field(default_factory=list)
    gaps: list[tuple[list[ast.stmt], list[ast.stmt]]] = field(default_factory=list)


def align(old: Sequence[ast.stmt], new: Sequence[ast.stmt]) -> Alignment:
    """Match statements: equal ones in order, then moved ones, then changed ones of the same place."""
    found = Alignment()
    gaps: list[tuple[list[ast.stmt], list[ast.stmt]]] = []
    for is_equal, i1, i2, j1, j2 in _runs([*map(fingerprint, old)], [*map(fingerprint, new)]):
        if is_equal:
            found.equal += zip(old[i1:i2], new[j1:j2], strict=True)
        else:
            gaps.append((list(old[i1:i2]), list(new[j1:j2])))
    _moved(gaps, found)
    _same_definitions(gaps, found)
    for gap in gaps:
        _same_subject(gap, found)
        _alike(gap, found)
    found.gaps = [gap for gap in gaps if gap[0] or gap[1]]
    return found


def _runs(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Yield equal and other runs of both. Ends first, then place by place: of equal statements the nearest is meant."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    matcher = SequenceMatcher(None, middle_old, middle_new, autojunk=False)
    runs = [(tag == "equal", i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes()]
    in_place = [one == other for one, other in zip(middle_old, middle_new, strict=False)]
    matched = sum(i2 - i1 for is_equal, i1, i2, _, _ in runs if is_equal)
    if len(middle_old) == len(middle_new) and sum(in_place) >= matched:
        runs = _grouped(in_place)
    yield True, 0, start, 0, start
    yield from ((is_equal, start + i1, start + i2, start + j1, start + j2) for is_equal, i1, i2, j1, j2 in runs)
    yield True, len(old) - end, len(old), len(new) - end, len(new)


def _grouped(in_place: Sequence[bool]) -> list[tuple[bool, int, int, int, int]]:
    runs = []
    for is_equal, places in groupby(range(len(in_place)), key=in_place.__getitem__):
        first, *more = places
        last = more[-1] + 1 if more else first + 1
        runs.append((is_equal, first, last, first, last))
    return runs


def _common(old: Sequence[int], new: Sequence[int]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def similarity(one: ast.AST, other: ast.AST) -> float:
    """Return the share of words that two statements have in common, from 0 to 1."""
    ones, others = (Counter(islice(tokens(each), _COMPARED_WORDS)) for each in (one, other))
    total = ones.total() + others.total()
    return 2 * (ones & others).total() / total if total else 1.0


def subject(statement: ast.stmt) -> tuple[str, str]:
    """Return what a statement is about; two that share it are the same statement, changed."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return ("def", name)
        case ast.ClassDef(name=name):
            return ("class", name)
        case ast.Assign(targets=targets):
            return ("=", " = ".join(map(shown, targets)))
        case ast.AnnAssign(target=target):
            return ("=", shown(target))
        case ast.AugAssign(target=target):
            return ("op=", shown(target))
        case ast.Expr(value=ast.Call() as call):
            return ("call", callee(call))
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return ("for", shown(target))
    return (type(statement).__name__, "")


def _moved(gaps: list[tuple[list[ast.stmt], list[ast.stmt]]], found: Alignment) -> None:
    waiting: dict[int, list[tuple[list[ast.stmt], ast.stmt]]] = defaultdict(list)
    for _, new in gaps:
        for statement in new:
            waiting[fingerprint(statement)].append((new, statement))
    for old, _ in gaps:
        for statement in tuple(old):
            if weight(statement) > 2 and (there := waiting.get(fingerprint(statement))):
                place, other = there.pop(0)
                _take(found.equal, old, statement, place, other)


def _same_definitions(gaps: list[tuple[list[ast.stmt], list[ast.stmt]]], found: Alignment) -> None:
    waiting = {subject(each): (new, each) for _, new in gaps for each in new if _is_definition(each)}
    for old, _ in gaps:
        for statement in tuple(old):
            if _is_definition(statement) and (there := waiting.pop(subject(statement), None)):
                _take(found.paired, old, statement, *there)


def _same_subject(gap: tuple[list[ast.stmt], list[ast.stmt]], found: Alignment) -> None:
    old, new = gap
    by_subject: dict[tuple[str, str], list[ast.stmt]] = defaultdict(list)
    for statement in new:
        by_subject[subject(statement)].append(statement)
    sizes = len(old) == len(new)
    groups: dict[tuple[str, str], list[ast.stmt]] = defaultdict(list)
    for statement in old:
        groups[subject(statement)].append(statement)
    for key, ones in groups.items():
        there = by_subject.get(key, [])
        least = 0.0 if len(ones) == len(there) == 1 and (key[1] or sizes) else ALIKE / 2 if key[1] else ALIKE
        for one, other in _best_pairs(ones, there, least):
            _take(found.paired, old, one, new, other)


def _alike(gap: tuple[list[ast.stmt], list[ast.stmt]], found: Alignment) -> None:
    old, new = gap
    for kind in {_kind(statement): None for statement in old}:
        ones, others = ([each for each in side if _kind(each) is kind] for side in (old, new))
        for one, other in _best_pairs(ones, others, ALIKE):
            _take(found.paired, old, one, new, other)


def _best_pairs(old: Sequence[ast.stmt], new: Sequence[ast.stmt], least: float) -> list[tuple[ast.stmt, ast.stmt]]:
    """Pair statements, the most similar first; in order where there are too many to compare."""
    if len(old) * len(new) > MOST_COMPARED:
        return [pair for pair in zip(old, new, strict=False) if similarity(*pair) >= least]
    scores = [(-similarity(one, other), abs(i - j), i, j) for i, one in enumerate(old) for j, other in enumerate(new)]
    left_old, left_new = set(range(len(old))), set(range(len(new)))
    pairs = []
    for score, _, i, j in sorted(scores):
        if -score >= least and i in left_old and j in left_new:
            left_old.remove(i)
            left_new.remove(j)
            pairs.append((i, j))
    return [(old[i], new[j]) for i, j in sorted(pairs)]


def _take(
    into: list[tuple[ast.stmt, ast.stmt]], old: list[ast.stmt], one: ast.stmt, new: list[ast.stmt], other: ast.stmt
) -> None:
    # By identity: two nodes are never equal in another way.
    old.remove(one)
    new.remove(other)
    into.append((one, other))


def _is_definition(statement: ast.stmt) -> bool:
    return isinstance(statement, (*_FUNCTIONS, ast.ClassDef))


def _kind(statement: ast.stmt) -> type:
    return ast.FunctionDef if isinstance(statement, _FUNCTIONS) else type(statement)
