"""NL003, NL004: results that are used, of functions that return none, always or on some path."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nightlab.controller.explain.weigh.calls import at
from nightlab.controller.explain.weigh.flow import goes_on, is_stub, returns, yields
from nightlab.controller.explain.weigh.signatures import Resolver
from nightlab.controller.explain.weigh.source import FUNCTIONS, Function, Source, last_part, loads, own_nodes, stores
from nightlab.controller.explain.weigh.weighed import Found


def missing_results(source: Source, resolver: Resolver) -> Iterator[Found]:
    """Yield calls whose result is used as a value that it cannot be, and `forward` methods that compute for nobody."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and _result_is_needed(node, source):
            target = resolver.target(node, source)
            function = target.function if target and not target.is_class else None
            if function is not None:
                yield from _judge(node, function, source)
        elif isinstance(node, FUNCTIONS) and _forward_is_lost(node, source):
            yield at("NL003", node, source, "`forward()` returns nothing: what it computes is lost")


def _judge(call: ast.Call, function: Function, source: Source) -> Iterator[Found]:
    if isinstance(function, ast.AsyncFunctionDef) or yields(function) or is_stub(function):
        return
    if _returns_nothing(function):
        if goes_on(function.body):
            yield at("NL003", call, source, f"the result of `{function.name}()` is used, and it returns none")
    elif _forgets_a_path(function):
        end = f"its end, past line {function.body[-1].lineno}, returns none"
        text = f"the result of `{function.name}()` is used, and {end}"
        yield at("NL004", call, source, text)


def _returns_nothing(function: Function) -> bool:
    return all(node.value is None for node in returns(function)) and not yields(function)


def _forgets_a_path(function: Function) -> bool:
    """A value on one path, the bare end on another, and nothing that says so: no `return None`, no search loop."""
    found = returns(function)
    if any(node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None) for node in found):
        return False
    if not goes_on(function.body):
        return False
    annotation = ast.unparse(function.returns) if function.returns else ""
    if "None" in annotation or "Optional" in annotation:
        return False
    last = function.body[-1]
    if isinstance(last, ast.If) and len(last.orelse) == 1 and isinstance(last.orelse[0], ast.If):
        return False
    return not any(
        isinstance(s, (ast.For, ast.While, ast.Try, ast.With, ast.Match)) and _holds_return(s)
        for s in own_nodes(function)
    )


def _holds_return(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Return) for inner in own_nodes(node))


def _result_is_needed(call: ast.Call, source: Source) -> bool:
    """Tell whether None in place of the result would raise: arithmetic, an attribute, an item, a loop, a call."""
    if _needs_value(call, source):
        return True
    parent = source.parent(call)
    if not isinstance(parent, ast.Assign) or len(parent.targets) != 1:
        return False
    target = parent.targets[0]
    if isinstance(target, (ast.Tuple, ast.List)):
        return True
    scope = source.scope(call)
    if not isinstance(target, ast.Name) or len(list(stores(scope, target.id))) != 1:
        return False
    return any(
        read.lineno > call.lineno and _needs_value(read, source) for read in loads(scope, target.id)
    ) and not any(
        isinstance(source.parent(read), (ast.Compare, ast.If, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.While))
        for read in loads(scope, target.id)
    )


def _needs_value(node: ast.expr, source: Source) -> bool:
    parent = source.parent(node)
    if isinstance(parent, ast.BinOp):
        return not isinstance(parent.op, (ast.Mod, ast.BitOr))
    if isinstance(parent, ast.AugAssign):
        return parent.value is node
    if isinstance(parent, ast.UnaryOp):
        return isinstance(parent.op, (ast.USub, ast.UAdd))
    if isinstance(parent, (ast.Attribute, ast.Subscript)):
        return parent.value is node and isinstance(parent.ctx, ast.Load)
    if isinstance(parent, (ast.For, ast.comprehension)):
        return parent.iter is node
    if isinstance(parent, ast.Call):
        return parent.func is node or last_part(parent.func) in {"len", "float", "int", "sum", "range"}
    return isinstance(parent, ast.Starred)


def _forward_is_lost(function: Function, source: Source) -> bool:
    if function.name != "forward" or not _is_of_a_network(function, source):
        return False
    return _returns_nothing(function) and goes_on(function.body) and _computes(function)


def _is_of_a_network(function: Function, source: Source) -> bool:
    owner = source.parent(function)
    return (
        isinstance(owner, ast.ClassDef)
        and not function.decorator_list
        and any(last_part(base) == "Module" for base in owner.bases)
    )


def _computes(function: Function) -> bool:
    """Tell whether its last statement makes a value that only a return could hand on."""
    last = function.body[-1]
    return isinstance(last, (ast.Assign, ast.AugAssign)) and all(
        isinstance(t, ast.Name) for t in (last.targets if isinstance(last, ast.Assign) else [last.target])
    )
