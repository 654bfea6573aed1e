"""How two functions or classes differ in their heads: name, decorators, parameters, defaults, annotations, bases."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from nightlab.controller.explain.what.expressions import Place, compare
from nightlab.controller.explain.what.notes import Notes, Rank
from nightlab.controller.explain.what.shape import fingerprint
from nightlab.controller.explain.what.shown import became, clipped, quoted

Function = ast.FunctionDef | ast.AsyncFunctionDef
Bodies = Callable[[Any, Any, str, Notes], None]


def compare_function(old: Function, new: Function, notes: Notes, bodies: Bodies) -> None:
    """Note how two functions differ, bodies included."""
    if old.name != new.name:
        notes.add(Rank.DEFINITION, new, f"`{old.name}()` renamed to `{new.name}()`")
    name = f"`{notes.scope.function(new.name)}()`"
    if type(old) is not type(new):
        word = "is async now" if isinstance(new, ast.AsyncFunctionDef) else "is not async any more"
        notes.add(Rank.BEHAVIOUR, new, f"{name} {word}", here=False)
    _decorators(old, new, name, notes)
    inside = notes.inside(new.name, is_class=False)
    _parameters(old.args, new.args, inside)
    _annotation(old.returns, new.returns, "return", new, inside)
    bodies(old, new, name, inside)


def compare_class(old: ast.ClassDef, new: ast.ClassDef, notes: Notes, bodies: Bodies) -> None:
    """Note how two classes differ, bodies included."""
    if old.name != new.name:
        notes.add(Rank.DEFINITION, new, f"class `{old.name}` renamed to `{new.name}`")
    name = f"`{notes.scope.function(new.name)}`"
    _decorators(old, new, name, notes)
    _listed(old.bases, new.bases, "base", f"of {name}", new, notes)
    ones, others = ({each.arg: each.value for each in node.keywords} for node in (old, new))
    for keyword in {**ones, **others}:
        compare(ones.get(keyword), others.get(keyword), Place(f"`{keyword}=` of class {name}"), notes)
    bodies(old, new, name, notes.inside(new.name, is_class=True))


def _decorators(old: Function | ast.ClassDef, new: Function | ast.ClassDef, name: str, notes: Notes) -> None:
    _listed(old.decorator_list, new.decorator_list, "decorator", f"of {name}", new, notes)


def _listed(old: Sequence[ast.expr], new: Sequence[ast.expr], word: str, of: str, node: ast.AST, notes: Notes) -> None:
    ones, others = [*map(fingerprint, old)], [*map(fingerprint, new)]
    gone = [each for each in old if fingerprint(each) not in others]
    added = [each for each in new if fingerprint(each) not in ones]
    for one, other in zip(gone, added, strict=False):
        if isinstance(one, ast.Call) and isinstance(other, ast.Call):
            compare(one, other, Place(tail=f", {word} {of}"), Notes(found=notes.found))
        else:
            notes.add(Rank.BEHAVIOUR, other, f"{word} {of}: {became(one, other)}", here=False)
    for each in gone[len(added) :]:
        notes.add(Rank.BEHAVIOUR, node, f"{word} {quoted(each)} {of} removed", here=False)
    for each in added[len(gone) :]:
        notes.add(Rank.BEHAVIOUR, each, f"{word} {quoted(each)} {of} added", here=False)
    if not gone and not added and ones != others:
        notes.add(Rank.BEHAVIOUR, node, f"{word}s {of} reordered or repeated", here=False)


def _parameters(old: ast.arguments, new: ast.arguments, notes: Notes) -> None:
    ones, others = _by_name(old), _by_name(new)
    gone = [name for name in ones if name not in others]
    added = [name for name in others if name not in ones]
    if len(gone) == len(added) and [*ones].index(gone[0]) == [*others].index(added[0]) if gone and added else False:
        for one, other in zip(gone, added, strict=True):
            notes.add(Rank.BEHAVIOUR, others[other][0], f"parameter `{one}` renamed to `{other}`")
            _parameter(ones[one], others[other], other, notes)
    else:
        for name in gone:
            notes.add(Rank.BEHAVIOUR, _first(new), f"parameter `{name}` removed")
        for name in added:
            default = others[name][1]
            given = f" (default {quoted(default)})" if default is not None else ""
            notes.add(Rank.BEHAVIOUR, others[name][0], f"parameter `{name}` added{given}")
    for name in others:
        if name in ones:
            _parameter(ones[name], others[name], name, notes)
    if [name for name in ones if name in others] != [name for name in others if name in ones]:
        notes.add(Rank.BEHAVIOUR, _first(new), "parameters reordered")
    elif not gone and not added and _kinds(old) != _kinds(new):
        notes.add(Rank.BEHAVIOUR, _first(new), f"parameters are given in another way: {became(old, new)}")


Parameter = tuple[ast.arg, ast.expr | None]


def _parameter(old: Parameter, new: Parameter, name: str, notes: Notes) -> None:
    _annotation(old[0].annotation, new[0].annotation, name.lstrip("*"), new[0], notes)
    compare(old[1], new[1], Place(f"default of `{name}`"), notes)


def _by_name(arguments: ast.arguments) -> dict[str, Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found: dict[str, Parameter] = {
        each.arg: (each, default) for each, default in zip(positional, [*missing, *arguments.defaults], strict=True)
    }
    if arguments.vararg:
        found[f"*{arguments.vararg.arg}"] = (arguments.vararg, None)
    found.update(
        (each.arg, (each, default)) for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    if arguments.kwarg:
        found[f"**{arguments.kwarg.arg}"] = (arguments.kwarg, None)
    return found


def _kinds(arguments: ast.arguments) -> tuple[int, int, int]:
    return len(arguments.posonlyargs), len(arguments.args), len(arguments.kwonlyargs)


def _first(arguments: ast.arguments) -> ast.AST | None:
    return next(iter([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]), None)


def _annotation(old: ast.expr | None, new: ast.expr | None, name: str, node: ast.AST, notes: Notes) -> None:
    annotate(old, new, f"`{clipped(name)}`" if name != "return" else "the result", node, notes)


def annotate(old: ast.expr | None, new: ast.expr | None, name: str, node: ast.AST, notes: Notes) -> None:
    """Note a type annotation that changed; `name` is "`x`"."""
    if old is None and new is not None:
        notes.add(Rank.ANNOTATION, new, f"annotation of {name} added: {quoted(new)}")
    elif old is not None and new is None:
        notes.add(Rank.ANNOTATION, node, f"annotation of {name} removed (was {quoted(old)})")
    elif old is not None and new is not None and fingerprint(old) != fingerprint(new):
        notes.add(Rank.ANNOTATION, new, f"annotation of {name}: {became(old, new)}")
