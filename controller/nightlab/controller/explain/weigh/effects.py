"""Weighs findings on expressions and loops: whether anything comes of them, and whether somebody wants that."""

from __future__ import annotations

import ast
import re
from typing import Final

from nightlab.controller.explain.weigh.source import (
    FUNCTIONS,
    Source,
    dotted,
    end_of,
    last_part,
    loads,
    own_nodes,
)
from nightlab.controller.explain.weigh.weighed import Found, Kept, keep

_STORING: Final = re.compile(
    r"^(append|appendleft|add|insert|extend|setdefault|put|put_nowait|push|submit|schedule|call_soon|call_later|after|"
    r"connect|subscribe|bind|partial|Thread|Timer|Process|LambdaLR|MultiplicativeLR|Lambda|defaultdict|field)$"
    r"|^(register|add|on|attach|set)_|_hook$|callback"
)
_SHRINKING: Final = frozenset({"remove", "pop", "popitem", "discard", "clear", "insert"})
_EXPECTS: Final = re.compile(r"raises|suppress|assertRaises|warns|assertWarns|deprecated_call", re.IGNORECASE)


def no_effect(found: Found, source: Source) -> Kept:
    """B015, B018: not where the expression is tried for the exception it may raise, and not a property that works."""
    if found.path.endswith(".ipynb"):
        return None
    for node in source.at(found.line, found.column):
        statement = next((p for p in (node, *source.parents(node)) if isinstance(p, ast.Expr)), None)
        if statement is None:
            continue
        if _is_tried(statement, source):
            return None
        value = statement.value
        if isinstance(value, ast.Attribute) and _is_property(value.attr, source):
            return None
        return _hint(value)
    return None


def outlives_its_loop(found: Found, source: Source) -> Kept:
    """B023: the function is kept somewhere; one that is called at once sees the right value."""
    names = source.at(found.line, found.column)
    for name in names:
        inner = next((p for p in source.parents(name) if isinstance(p, (*FUNCTIONS, ast.Lambda))), None)
        if inner is None:
            continue
        if isinstance(inner, ast.Lambda):
            return keep() if _is_kept(inner, source) else None
        scope = source.scope(inner)
        return keep() if any(_is_kept(read, source) for read in loads(scope, inner.name)) else None
    return None


def flags_as_count(found: Found, source: Source) -> Kept:
    """B034: an argument named like a flag stands where a count is expected."""
    for node in source.at(found.line, found.column):
        if isinstance(node, ast.Call):
            flags = [arg for arg in node.args[2:] if any(_is_flag(part) for part in ast.walk(arg))]
            return f"and `{ast.unparse(flags[0])[:60]}` is a flag" if flags else None
    return None


def not_the_nan_test(found: Found, source: Source) -> Kept:
    """PLR0124: `x != x` and a function named for NaN ask for NaN; anything else compares by mistake."""
    for node in source.at(found.line, found.column):
        if not isinstance(node, ast.Compare):
            continue
        tells_nan = isinstance(source.parent(node), (ast.Return, ast.UnaryOp, ast.BinOp))
        if (
            isinstance(node.ops[0], ast.NotEq)
            or _is_tried(node, source)
            or (isinstance(node.ops[0], ast.Eq) and tells_nan)
        ):
            return None
        outer = source.scope(node)
        return None if isinstance(outer, FUNCTIONS) and "nan" in outer.name.lower() else keep()
    return None


def loop_else(found: Found, source: Source) -> Kept:
    """PLW0120: the loop cannot be left early, and its last statement is an `if` that the `else` may belong to."""
    for loop in source.nodes:
        if not isinstance(loop, (ast.For, ast.While, ast.AsyncFor)) or not loop.orelse:
            continue
        if not end_of(loop.body[-1]) < found.line <= loop.orelse[0].lineno:
            continue
        leaves = any(isinstance(n, (ast.Return, ast.Raise)) for part in loop.body for n in (part, *own_nodes(part)))
        last = loop.body[-1]
        return keep() if not leaves and isinstance(last, ast.If) and not last.orelse else None
    return None


def debugger(found: Found, source: Source) -> Kept:
    """T100: a call that stops the program; importing a debugger does not, and asking for one is somebody's wish."""
    for node in source.at(found.line, found.column):
        if not isinstance(node, ast.Call):
            continue
        asked = (p for p in source.parents(node) if isinstance(p, ast.If))
        wished = any(re.search("debug|pdb", ast.unparse(test.test), re.IGNORECASE) for test in asked)
        return None if wished or any(isinstance(p, ast.ExceptHandler) for p in source.parents(node)) else keep()
    return None


def changed_while_walked(found: Found, source: Source) -> Kept:
    """B909: items go or come while the loop goes on."""
    for node in source.at(found.line, found.column):
        statement = next((p for p in (node, *source.parents(node)) if isinstance(p, ast.stmt)), None)
        if statement is None:
            continue
        if isinstance(statement, ast.Delete):
            return keep()
        call = statement.value if isinstance(statement, ast.Expr) else None
        walked = dotted(call.func.value) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""
        if isinstance(call, ast.Call) and walked != "self" and last_part(call.func) in _SHRINKING:
            return keep()
        return None
    return None


def uncalled_method(found: Found, source: Source) -> Kept:
    """PLE0211: a method that takes nothing is called on self or on an object of the file."""
    method = next(
        (n for n in source.nodes if isinstance(n, FUNCTIONS) and n.lineno <= found.line <= n.body[0].lineno), None
    )
    owner = source.parent(method) if method else None
    if method is None or not isinstance(owner, ast.ClassDef) or method.decorator_list:
        return None
    for node in source.nodes:
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr == method.name and dotted(func.value) != owner.name:
            return f"and it is called on an object in line {func.lineno}"
    return None


def _is_tried(node: ast.AST, source: Source) -> bool:
    for outer in source.parents(node):
        if isinstance(outer, (ast.Try, ast.TryStar)) and outer.handlers:
            return True
        if isinstance(outer, (ast.With, ast.AsyncWith)) and any(
            isinstance(item.context_expr, ast.Call) and _EXPECTS.search(last_part(item.context_expr.func))
            for item in outer.items
        ):
            return True
        if isinstance(outer, FUNCTIONS):
            return False
    return False


def _is_property(name: str, source: Source) -> bool:
    properties = (n for n in source.nodes if isinstance(n, FUNCTIONS) and n.name == name)
    return any("property" in last_part(d).lower() for n in properties for d in n.decorator_list)


def _hint(value: ast.expr) -> str:
    if isinstance(value, ast.Compare) and len(value.ops) == 1 and isinstance(value.ops[0], ast.Eq):
        return f"; did you mean `{ast.unparse(value.left)[:60]} = ...`?"
    return f"; did you mean to call `{ast.unparse(value)[:60]}()`?" if isinstance(value, ast.Attribute) else ""


def _is_kept(function: ast.AST, source: Source) -> bool:
    """Tell whether a function, or the name of one, is put somewhere that outlives the statement."""
    parent = source.parent(function)
    if isinstance(parent, ast.keyword):
        parent = source.parent(parent)
    if isinstance(parent, ast.Call):
        return function is not parent.func and bool(_STORING.search(last_part(parent.func)))
    if isinstance(parent, ast.Assign):
        return any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in parent.targets)
    if isinstance(parent, (ast.Tuple, ast.IfExp, ast.Starred)):
        return _is_kept(parent, source)
    kinds = (ast.Return, ast.Yield, ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    return isinstance(parent, kinds)


def _is_flag(node: ast.AST) -> bool:
    name = last_part(node)
    return (
        bool(name)
        and name.isupper()
        and (len(name) == 1 or name in {"IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE", "ASCII", "UNICODE"})
    )
