"""Finds how far a run is at the optimizer's step: the loops around it, up through the functions that hold it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.names import words
from nightlab.plugins.hyperparameter.source import callee, dotted
from nightlab.plugins.schedule.passes import Passes, read_for, read_while
from nightlab.plugins.training.loops import only_step
from nightlab.plugins.training.script import Function, Loop, Script
from nightlab.plugins.training.workspace import Scripts

_DEEPEST: Final = 4
_LOADERS: Final = frozenset({"loader", "dataloader", "loaders", "dl"})


@dataclass(frozen=True)
class Level:
    """The loops of one function around a statement.

    Attributes:
        script: The file.
        statement: The optimizer's step, or what calls the function of the level below.
        optimizer: How the optimizer is written there.
        passes: Of each loop, the outermost first; none for a function that only steps.
    """

    script: Script
    statement: ast.stmt
    optimizer: str
    passes: tuple[Passes, ...]

    def done(self, *, after: bool) -> str:
        """The part of this level's run that is over before or after the innermost pass, as an expression."""
        *outer, last = self.passes
        text = f"({last.after if after else last.before}) / {last.total}"
        for each in reversed(outer):
            text = f"({each.before} + {text}) / {each.total}"
        return text

    @property
    def part(self) -> str:
        """The part of this level's run that one innermost pass is, as an expression."""
        return f"1 / ({' * '.join(each.total for each in self.passes)})"


def levels(found: Scripts) -> tuple[Level, ...]:
    """Find the loops around the optimizer's step, those of its own function first; one or two levels.

    Raises:
        Unmet: There is no such step, no loop, or one whose length is not known.
    """
    script, call, optimizer = only_step(found)
    statement, with_loops = script.statement(call), list[Level]()
    for _ in range(_DEEPEST):
        level = Level(script, statement, optimizer, tuple(_passes(script, statement)))
        with_loops += [level] if level.passes else []
        owner = script.scope(statement)
        above = _caller(found, script, owner) if isinstance(owner, Function) else None
        if above is None:
            break
        optimizer = _as_seen(script, owner, optimizer, above[0], above[1])
        script, statement = above[0], above[0].statement(above[1])
    if not 1 <= len(with_loops) <= 2:
        what = "no loop is" if not with_loops else f"loops of {len(with_loops)} functions are"
        script.refuse(statement, f"{what} around the optimizer's step; those of one or two are understood")
    return tuple(with_loops)


def _passes(script: Script, statement: ast.stmt) -> Iterator[Passes]:
    owner = script.scope(statement)
    inside = [each for each in script.above(statement) if isinstance(each, Loop) and script.scope(each) is owner]
    for loop in reversed(inside):
        _refuse_early_end(script, loop)
        if isinstance(loop, ast.For):
            yield read_for(script, loop, has_loader=_is_loader(script, loop))
        elif isinstance(loop, ast.While):
            yield read_while(script, loop, statement)
        else:
            script.refuse(loop, "an async loop is not understood")


def _is_loader(script: Script, loop: ast.For) -> bool:
    """Tell whether a loop goes through something with a length in batches: a DataLoader, or what is named so."""
    for name in (dotted(each) for each in ast.walk(loop.iter) if isinstance(each, ast.Name | ast.Attribute)):
        stores = (script.parent(each) for each in script.stores(name))
        made = [each.value for each in stores if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call)]
        if any(callee(each) == "DataLoader" for each in made) or _LOADERS & set(words(name.rpartition(".")[2])):
            return True
    return False


def _refuse_early_end(script: Script, loop: ast.AST) -> None:
    """Refuse a `for` that a count ends before its last pass: the length of the run is elsewhere."""
    if not isinstance(loop, ast.For):
        return
    for node in ast.walk(loop):
        test = script.parent(node)
        if not (isinstance(node, ast.Break) and isinstance(test, ast.If) and script.loop(node) is loop):
            continue
        compared = test.test.ops if isinstance(test.test, ast.Compare) else []
        if any(isinstance(each, ast.Gt | ast.GtE | ast.Eq) for each in compared):
            script.refuse(node, "the loop may end here before its last pass, so the length of the run is not known")


def _caller(found: Scripts, script: Script, owner: ast.AST) -> tuple[Script, ast.Call] | None:
    """Return the one call of a function; None if it is called nowhere, as an entry point is.

    Raises:
        Unmet: It is called more than once, or inside of an expression that repeats.
    """
    assert isinstance(owner, Function)
    calls = [
        (each, call)
        for each in found
        for call in each.calls
        if callee(call) == owner.name and each.scope(call) is not owner
    ]
    if len(calls) > 1:
        places = ", ".join(each.where(call) for each, call in calls[:3])
        script.refuse(owner, f"{owner.name}() steps the optimizer and is called from several places ({places})")
    for each, call in calls:
        for node in each.above(call):
            if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp | ast.Lambda):
                each.refuse(call, f"{owner.name}() is called inside of an expression that repeats")
    return calls[0] if calls else None


def _as_seen(script: Script, owner: ast.AST, optimizer: str, above: Script, call: ast.Call) -> str:
    """Write the optimizer as the caller knows it.

    Raises:
        Unmet: The caller does not have it under a name.
    """
    assert isinstance(owner, Function)
    head, dot, rest = optimizer.partition(".")
    names = [each.arg for each in (*owner.args.posonlyargs, *owner.args.args)]
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    is_method = isinstance(script.parent(owner), ast.ClassDef) and bool(names)
    if head not in (*names, *(each.arg for each in owner.args.kwonlyargs)):
        return optimizer  # a name of the file
    given: ast.expr | None = next((each.value for each in call.keywords if each.arg == head), None)
    if given is None and is_method and head == names[0]:
        given = receiver
    elif given is None:
        place = names.index(head) - is_method if head in names else len(call.args)
        given = call.args[place] if place < len(call.args) else None
    if not dotted(given):
        above.refuse(call, f"which optimizer {owner.name}() is given is not understood")
    return dotted(given) + dot + rest

