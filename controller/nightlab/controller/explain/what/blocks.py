"""How two blocks of statements differ: each statement with its counterpart, what is left over, and the order."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Final

from nightlab.controller.explain.what.align import align
from nightlab.controller.explain.what.definitions import annotate, compare_class, compare_function
from nightlab.controller.explain.what.expressions import Place, compare
from nightlab.controller.explain.what.imports import compare_imports
from nightlab.controller.explain.what.notes import Gap, Notes, Rank
from nightlab.controller.explain.what.order import compare_order
from nightlab.controller.explain.what.shape import docstring, fingerprint
from nightlab.controller.explain.what.shown import became, clipped, shown

Body = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_IMPORTS: Final = (ast.Import, ast.ImportFrom)


def compare_bodies(old: Body, new: Body, name: str, notes: Notes) -> None:
    """Note how the bodies of two modules, classes or functions differ, docstrings included.

    Args:
        old: Earlier.
        new: Later.
        name: "module", "`f()`".
        notes: In the scope of the body.
    """
    one, other = docstring(old), docstring(new)
    _docstrings(one, other, name, notes)
    compare_blocks(old.body[one is not None :], new.body[other is not None :], notes)


def compare_blocks(old: Sequence[ast.stmt], new: Sequence[ast.stmt], notes: Notes) -> None:
    """Note how two blocks differ."""
    if [*map(fingerprint, old)] == [*map(fingerprint, new)]:
        return
    compare_imports(old, new, notes)
    aligned = align(_acting(old), _acting(new))
    compare_order(old, new, [*aligned.equal, *aligned.paired], notes)
    for one, other in aligned.paired:
        _statement(one, other, notes)
    notes.gaps.extend(Gap(notes.scope, tuple(gone), tuple(added)) for gone, added in aligned.gaps)


def _acting(block: Sequence[ast.stmt]) -> list[ast.stmt]:
    return [statement for statement in block if not isinstance(statement, _IMPORTS)]


def _docstrings(old: ast.Constant | None, new: ast.Constant | None, name: str, notes: Notes) -> None:
    if old is None or new is None:
        node, word = (new, "added") if old is None else (old, "removed")
        if node is not None:
            notes.add(Rank.DOCSTRING, node, f"docstring of {name} {word}", here=False)
    elif old.value != new.value:
        is_format = str(old.value).split() == str(new.value).split()
        word = "has other white space" if is_format else "changed"
        notes.add(Rank.DOCSTRING, new, f"docstring of {name} {word}", here=False)


def _statement(old: ast.stmt, new: ast.stmt, notes: Notes) -> None:
    if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
        compare_class(old, new, notes, compare_bodies)
    elif isinstance(old, ast.FunctionDef | ast.AsyncFunctionDef) and isinstance(
        new, ast.FunctionDef | ast.AsyncFunctionDef
    ):
        compare_function(old, new, notes, compare_bodies)
    elif isinstance(old, ast.Assign | ast.AnnAssign) and isinstance(new, ast.Assign | ast.AnnAssign):
        _assignments(old, new, notes)
    elif type(old) is type(new):
        _STATEMENTS.get(type(old), _plain)(old, new, notes)
    else:
        notes.add(Rank.BEHAVIOUR, new, became(old, new))


def _assignments(old: ast.Assign | ast.AnnAssign, new: ast.Assign | ast.AnnAssign, notes: Notes) -> None:
    ones, others = _target(old), _target(new)
    if ones != others:
        is_same = old.value is not None and new.value is not None and fingerprint(old.value) == fingerprint(new.value)
        if is_same and ones.isidentifier() and others.isidentifier():
            return notes.add(Rank.BEHAVIOUR, new, f"`{clipped(ones)}` renamed to `{clipped(others)}`")
        return notes.add(Rank.BEHAVIOUR, new, became(old, new))
    name = notes.scope.named(others)
    one, other = getattr(old, "annotation", None), getattr(new, "annotation", None)
    # In a class the name says where already.
    inside = Notes(found=notes.found) if notes.scope.is_class else notes
    annotate(one, other, f"`{clipped(name)}`", new, inside)
    for target, before, after in _unpacked(old, new) or [(name, old.value, new.value)]:
        compare(before, after, Place.of(target), inside)
    return None


def _unpacked(
    old: ast.Assign | ast.AnnAssign, new: ast.Assign | ast.AnnAssign
) -> list[tuple[str, ast.expr | None, ast.expr | None]]:
    """Take `lr, wd = 0.1, 0.2` apart, where both sides of both have as many items."""
    targets = new.targets if isinstance(new, ast.Assign) else []
    sides = [*targets, old.value, new.value]
    parts = [side.elts for side in sides if isinstance(side, ast.Tuple | ast.List)]
    is_starred = any(isinstance(each, ast.Starred) for part in parts for each in part)
    if len(sides) != 3 or len(parts) != 3 or len(set(map(len, parts))) != 1 or is_starred:
        return []
    names, ones, others = parts
    return [(shown(name), one, other) for name, one, other in zip(names, ones, others, strict=True)]


def _target(statement: ast.Assign | ast.AnnAssign) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return " = ".join(map(shown, targets))


def _augmented(old: ast.AugAssign, new: ast.AugAssign, notes: Notes) -> None:
    if fingerprint(old.op) != fingerprint(new.op) or fingerprint(old.target) != fingerprint(new.target):
        return notes.add(Rank.BEHAVIOUR, new, became(old, new))
    sign = shown(new).removeprefix(shown(new.target)).split("=")[0].strip()
    return compare(old.value, new.value, Place(f"`{clipped(shown(new.target))} {sign}=`"), notes)


def _branches(old: ast.If | ast.While, new: ast.If | ast.While, notes: Notes) -> None:
    word = "if" if isinstance(new, ast.If) else "while"
    compare(old.test, new.test, Place(f"`{word}`"), notes)
    compare_blocks(old.body, new.body, notes)
    compare_blocks(old.orelse, new.orelse, notes)


def _loops(old: ast.For | ast.AsyncFor, new: ast.For | ast.AsyncFor, notes: Notes) -> None:
    if fingerprint(old.target) != fingerprint(new.target):
        notes.add(Rank.BEHAVIOUR, new, f"loop variable {became(old.target, new.target)}")
    compare(old.iter, new.iter, Place(f"`for {clipped(shown(new.target), 30)} in`"), notes)
    compare_blocks(old.body, new.body, notes)
    compare_blocks(old.orelse, new.orelse, notes)


def _withs(old: ast.With | ast.AsyncWith, new: ast.With | ast.AsyncWith, notes: Notes) -> None:
    if len(old.items) != len(new.items):
        notes.add(Rank.BEHAVIOUR, new, became(old, new))
    else:
        for one, other in zip(old.items, new.items, strict=True):
            compare(one.context_expr, other.context_expr, Place(), notes)
            compare(one.optional_vars, other.optional_vars, Place("`with ... as`"), notes)
    compare_blocks(old.body, new.body, notes)


def _tries(old: ast.Try, new: ast.Try, notes: Notes) -> None:
    compare_blocks(old.body, new.body, notes)
    if len(old.handlers) == len(new.handlers):
        for one, other in zip(old.handlers, new.handlers, strict=True):
            compare(one.type, other.type, Place("`except`"), notes)
            if one.name != other.name:
                notes.add(Rank.BEHAVIOUR, other, f"`except ... as {one.name}` became `as {other.name}`")
            compare_blocks(one.body, other.body, notes)
    else:
        notes.add(Rank.BEHAVIOUR, new, f"{len(old.handlers)} -> {len(new.handlers)} `except` clauses")
    compare_blocks(old.orelse, new.orelse, notes)
    compare_blocks(old.finalbody, new.finalbody, notes)


def _plain(old: ast.stmt, new: ast.stmt, notes: Notes) -> None:
    """Any other statement: by its one expression where it has one, else as a whole."""
    ones = [each for each in ast.iter_child_nodes(old) if isinstance(each, ast.expr)]
    others = [each for each in ast.iter_child_nodes(new) if isinstance(each, ast.expr)]
    if len(ones) == len(others) == 1:
        word = shown(new).split()[0].strip("(")
        known = isinstance(new, ast.Return | ast.Assert | ast.Raise)
        compare(ones[0], others[0], Place(f"`{word}`" if known else ""), notes)
    else:
        notes.add(Rank.BEHAVIOUR, new, became(old, new))


_STATEMENTS: Final[dict[type, Callable[..., None]]] = {
    ast.AugAssign: _augmented,
    ast.If: _branches,
    ast.While: _branches,
    ast.For: _loops,
    ast.AsyncFor: _loops,
    ast.With: _withs,
    ast.AsyncWith: _withs,
    ast.Try: _tries,
}
