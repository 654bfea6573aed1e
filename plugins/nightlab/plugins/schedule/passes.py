"""Reads one loop: how many passes it makes and which one is on, as expressions of the script."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from nightlab.plugins.hyperparameter.source import callee, constant, dotted
from nightlab.plugins.training.program import Module
from nightlab.sdk import Unmet

_BARS: Final = ("tqdm", "track", "progress_bar", "tqdm_notebook", "prange")
_PURE_CALLS: Final = ("len", "int", "min", "max", "round", "float")
_PURE: Final = (
    *(ast.Name, ast.Attribute, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.IfExp, ast.Compare),
    *(ast.operator, ast.unaryop, ast.expr_context, ast.cmpop),
)


@dataclass(frozen=True, slots=True)
class Passes:
    """How far a loop is.

    Attributes:
        before: Passes that are over, as an expression inside of the loop.
        after: Passes that are over at the end of this one.
        total: All of them.
        uncounted: The loop, if it has no index yet and `before` and `after` need one called INDEX.
    """

    before: str
    after: str
    total: str
    uncounted: ast.For | None = None


INDEX: Final = "batch_index"


def read_for(module: Module, loop: ast.For, *, has_loader: bool) -> Passes:
    """Read `for x in range(...)`, `for x in loader` and the like.

    Raises:
        Unmet: It is another kind of loop.
    """
    target, iterable, start = loop.target, _without_bar(module, loop.iter), "0"
    counted = isinstance(iterable, ast.Call) and callee(iterable) == "enumerate" and bool(iterable.args)
    if isinstance(iterable, ast.Call) and counted:
        start = next((module.text(k.value) for k in iterable.keywords if k.arg == "start"), start)
        start = module.text(iterable.args[1]) if len(iterable.args) > 1 else start
        iterable = _without_bar(module, iterable.args[0])
        target = target.elts[0] if isinstance(target, ast.Tuple) else target
    if isinstance(iterable, ast.Call) and callee(iterable) in ("range", "trange"):
        return _range(module, loop, iterable)
    name = dotted(iterable)
    if not name or not (has_loader or _is_list(module, name)):
        raise _unmet(module, loop, f"loops over {ast.unparse(iterable)[:80]}, whose length this action does not know")
    total = f"len({module.text(iterable)})"
    if counted and isinstance(target, ast.Name):
        return Passes(_minus(target.id, start), _minus(target.id, start, 1), total)
    if counted or module.stores(INDEX) or INDEX in module.imported:
        raise _unmet(module, loop, "is a loop whose passes this action cannot count")
    return Passes(INDEX, f"{INDEX} + 1", total, loop)


def read_while(module: Module, loop: ast.While, step: ast.stmt) -> Passes:
    """Read `while step < N`, and `while True` that `if step >= N: break` ends; the counter counts up by one.

    Raises:
        Unmet: It is another kind of loop.
    """
    compare = loop.test if isinstance(loop.test, ast.Compare) else _stop(module, loop)
    if compare is None or len(compare.ops) != 1 or not isinstance(compare.left, ast.Name):
        raise _unmet(module, loop, "is a loop whose number of steps this action does not know")
    counter, bound = compare.left.id, compare.comparators[0]
    counts = [each for each in ast.walk(loop) if isinstance(each, ast.AugAssign) and _counts(each, counter)]
    is_up = isinstance(compare.ops[0], ast.Lt | ast.LtE if compare is loop.test else ast.Gt | ast.GtE | ast.Eq)
    if len(counts) != 1 or not is_up or not is_pure(bound):
        raise _unmet(module, loop, "is a loop whose number of steps this action does not know")
    is_late = counts[0].lineno > step.lineno
    before, after = (counter, f"{counter} + 1") if is_late else (f"{counter} - 1", counter)
    return Passes(before, after, factor_text(module, bound))


def is_pure(node: ast.expr) -> bool:
    """Tell whether an expression may be written a second time: names, numbers, arithmetic, len and the like."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            if dotted(each.func) not in _PURE_CALLS or each.keywords:
                return False
        elif not isinstance(each, _PURE):
            return False
    return True


def factor_text(module: Module, node: ast.expr) -> str:
    """The text of an expression, in parentheses where something else follows."""
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Constant | ast.Subscript | ast.Call)
    return module.text(node) if simple else f"({module.text(node)})"


def _range(module: Module, loop: ast.For, call: ast.Call) -> Passes:
    target = loop.target.elts[-1] if _is_enumerated(loop) and isinstance(loop.target, ast.Tuple) else loop.target
    if not isinstance(target, ast.Name) or not 1 <= len(call.args) <= 3 or not all(map(is_pure, call.args)):
        raise _unmet(module, loop, "is a range whose steps this action does not know")
    name, end = target.id, call.args[-1] if len(call.args) < 3 else call.args[1]
    begin = call.args[0] if len(call.args) > 1 else None
    if len(call.args) == 3:
        if constant(begin) != 0:
            raise _unmet(module, loop, "is a range whose steps this action does not know")
        return Passes(name, f"{name} + {factor_text(module, call.args[2])}", factor_text(module, end))
    if begin is None or constant(begin) == 0:
        return Passes(name, f"{name} + 1", factor_text(module, end))
    if constant(begin) == 1 and (count := _one_less(module, end)):
        return Passes(f"{name} - 1", name, count)
    # A run that goes on from a checkpoint begins later; the end is where the whole run ends.
    if isinstance(begin, ast.Name | ast.Attribute):
        return Passes(name, f"{name} + 1", factor_text(module, end))
    first = factor_text(module, begin)
    return Passes(f"{name} - {first}", f"{name} - {first} + 1", f"({module.text(end)} - {first})")


def _one_less(module: Module, end: ast.expr) -> str:
    """N of `N + 1`, or 9 of 10."""
    value = constant(end)
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add) and constant(end.right) == 1:
        return factor_text(module, end.left)
    return str(value - 1) if isinstance(value, int) else ""


def _without_bar(module: Module, node: ast.expr) -> ast.expr:
    """What a progress bar goes through; a name that is set to a bar once stands for it."""
    if isinstance(node, ast.Name):
        parents = [module.parent(each) for each in module.stores(node.id, module.scope(node))]
        value = parents[0].value if len(parents) == 1 and isinstance(parents[0], ast.Assign) else None
        return _without_bar(module, value) if isinstance(value, ast.Call) and callee(value) in _BARS else node
    if isinstance(node, ast.Call) and callee(node) in _BARS and node.args:
        return _without_bar(module, node.args[0])
    return node


def _is_enumerated(loop: ast.For) -> bool:
    return any(isinstance(each, ast.Call) and callee(each) == "enumerate" for each in ast.walk(loop.iter))


def _is_list(module: Module, name: str) -> bool:
    values = [p.value for s in module.stores(name) if isinstance(p := module.parent(s), ast.Assign)]
    lists = [isinstance(v, ast.List | ast.ListComp) or (isinstance(v, ast.Call) and callee(v) == "list") for v in values]
    return bool(lists) and all(lists)


def _stop(module: Module, loop: ast.While) -> ast.Compare | None:
    """The test of the `if` that breaks out of `while True`."""
    if constant(loop.test) not in (True, 1):
        return None
    breaks = [each for each in ast.walk(loop) if isinstance(each, ast.Break)]
    tests = [p.test for each in breaks if isinstance(p := module.parent(each), ast.If)]
    compares = [each for each in tests if isinstance(each, ast.Compare)]
    return compares[0] if len(compares) == 1 else None


def _counts(node: ast.AugAssign, counter: str) -> bool:
    by_one = isinstance(node.op, ast.Add) and constant(node.value) == 1
    return by_one and isinstance(node.target, ast.Name) and node.target.id == counter


def _minus(name: str, start: str, plus: int = 0) -> str:
    if start.isdecimal():
        shift = plus - int(start)
        return name if not shift else f"{name} {'+' if shift > 0 else '-'} {abs(shift)}"
    return f"{name} - ({start})" + (f" + {plus}" if plus else "")


def _unmet(module: Module, node: ast.AST, what: str) -> Unmet:
    return Unmet(f"{module.where(node)} {what}", pointer=module.where(node))
