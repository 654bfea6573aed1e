"""Weighs findings on names: hidden, overwritten, defined twice, one letter away from the one that was meant."""

from __future__ import annotations

import ast
import builtins
import re

from nightlab.controller.explain.weigh.source import (
    FUNCTIONS,
    Source,
    arguments,
    dotted,
    end_of,
    last_part,
    loads,
    own_nodes,
    same,
    stores,
)
from nightlab.controller.explain.weigh.typos import likely
from nightlab.controller.explain.weigh.weighed import Found, Kept, keep

_NOT_CALLABLE = (
    *(ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.BinOp, ast.UnaryOp, ast.Compare),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
_MAKES_NO_CALLABLE = {
    "len",
    "sum",
    "int",
    "float",
    "str",
    "list",
    "dict",
    "set",
    "tuple",
    "sorted",
    "max",
    "min",
    "abs",
}
_KEPT_TWICE = {"overload", "setter", "getter", "deleter", "register", "singledispatch", "property"}


def hidden_builtin(found: Found, source: Source) -> Kept:
    """A001: the new value cannot be called, and the name is called in the same scope."""
    name = next((n for n in source.at(found.line, found.column) if isinstance(n, ast.Name)), None)
    if name is None or not _cannot_be_called(name, source):
        return None
    scope = source.scope(name)
    if isinstance(scope, ast.Lambda) or isinstance(source.parent(name), ast.comprehension):
        return None
    for read in loads(scope, name.id):
        call = source.parent(read)
        if (
            isinstance(call, ast.Call)
            and call.func is read
            and (read.lineno > name.lineno or _is_inner(read, name, source))
        ):
            return f"and `{name.id}(...)` is called in line {read.lineno}"
    return None


def loop_hides_import(found: Found, source: Source) -> Kept:
    """F402: the imported module or name is used outside of the loop that replaces it."""
    for node in source.at(found.line, found.column):
        loop = next((p for p in source.parents(node) if isinstance(p, (ast.For, ast.AsyncFor))), None)
        if isinstance(node, ast.Name) and loop is not None:
            scope = source.scope(node)
            used = [n.lineno for n in loads(scope, node.id) if not loop.lineno <= n.lineno <= end_of(loop)]
            later = [line for line in used if line > end_of(loop) or scope is not source.tree]
            called = [line for line in used if _in_function(line, source)]
            first = next(iter([*later, *called]), None)
            return None if first is None else f"and `{node.id}` is used in line {first}"
    return None


def loop_overwrites_its_iterable(found: Found, source: Source) -> Kept:
    """B020: what the loop walked is read again: after it, in another function, or when an outer loop comes round."""
    for node in source.at(found.line, found.column):
        loop = next((p for p in source.parents(node) if isinstance(p, (ast.For, ast.AsyncFor))), None)
        if not isinstance(node, ast.Name) or loop is None:
            continue
        scope = source.scope(node)
        after = [n.lineno for n in loads(scope, node.id) if n.lineno > end_of(loop)]
        again = [p for p in source.parents(loop) if isinstance(p, (ast.For, ast.While, ast.AsyncFor))]
        remade = any(n.lineno < loop.lineno for outer in again for n in stores(outer, node.id))
        if after:
            return f"and `{node.id}` is read in line {after[0]}"
        return "and the loop around it comes round again" if again and not remade else None
    return None


def inner_loop_overwrites(found: Found, source: Source) -> Kept:
    """PLW2901: only where an inner loop takes the outer one's variable, which the outer one reads afterwards."""
    if "inner `for` loop target" not in found.message:
        return None
    for node in source.at(found.line, found.column):
        loops = [p for p in source.parents(node) if isinstance(p, (ast.For, ast.AsyncFor))]
        if not isinstance(node, ast.Name) or len(loops) < 2:
            continue
        inner = loops[0]
        outer = next((loop for loop in loops[1:] if list(stores(loop.target, node.id))), None)
        if outer is None:
            return None
        after = [n.lineno for part in outer.body for n in loads(part, node.id) if n.lineno > end_of(inner)]
        return f"and `{node.id}` is read in line {after[0]}" if after else None
    return None


def defined_twice(found: Found, source: Source) -> Kept:
    """F811: a function or class, undecorated, is replaced by another one that does not say the same."""
    match = re.search(r"from line (\d+)", found.message)
    old = _definition(source, int(match[1])) if match else None
    new = _definition(source, found.line)
    if old is None or old.name != _quoted(found.message):
        return None
    if any(_keeps_both(last_part(d.func if isinstance(d, ast.Call) else d)) for d in old.decorator_list):
        return None
    if new is None:
        imported = any(
            isinstance(n, (ast.Import, ast.ImportFrom)) and n.lineno <= found.line <= end_of(n) for n in source.nodes
        )
        return keep() if imported else None
    return None if same(old, new) else keep()


def mistyped(found: Found, source: Source) -> Kept:
    """F841: the name is near one that is bound before and read afterwards in the same function."""
    name = _quoted(found.message)
    node = next((n for n in source.at(found.line, found.column) if isinstance(n, ast.Name)), None)
    if node is None or isinstance(source.parent(node), ast.withitem):
        return None
    scope = source.scope(node)
    if not isinstance(scope, FUNCTIONS):
        return None
    read = {n.id for n in ast.walk(scope) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    bound = {a.arg for a in arguments(scope)}
    bound |= {n.id for n in own_nodes(scope) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound |= {each for n in own_nodes(scope) if isinstance(n, (ast.Global, ast.Nonlocal)) for each in n.names}
    meant = likely(name, {other for other in read & bound if _read_later(other, node, scope, source)})
    return f"; did you mean `{meant}`?" if meant else None


def assigned_to_itself(found: Found, source: Source) -> Kept:
    """PLW0127: not in a class, whose names are its fields, and not an import that is passed on."""
    for node in source.at(found.line, found.column):
        statement = next((p for p in (node, *source.parents(node)) if isinstance(p, ast.stmt)), None)
        if statement is None or isinstance(source.parent(statement), ast.ClassDef):
            return None
        name = _quoted(found.message)
        imported = any(
            (a.asname or a.name) == name
            for n in source.nodes
            if isinstance(n, (ast.Import, ast.ImportFrom))
            for a in n.names
        )
        return None if imported or (name in dir(builtins) and source.scope(node) is source.tree) else keep()
    return None


def named_twice(found: Found, source: Source) -> Kept:
    """PLW0128: not where equal values are expected, as of a square shape, and not for names of what is thrown away."""
    if _quoted(found.message).lower() in {"junk", "dummy", "unused", "ignored", "ignore", "nil", "rest", "skip"}:
        return None
    for node in source.at(found.line, found.column):
        statement = next((p for p in source.parents(node) if isinstance(p, ast.Assign)), None)
        if statement is None:
            continue
        value = statement.value.func if isinstance(statement.value, ast.Call) else statement.value
        return None if last_part(value) in {"shape", "size"} or len(statement.targets) > 1 else keep()
    return None


def _keeps_both(decorator: str) -> bool:
    return decorator in _KEPT_TWICE or decorator.endswith("overload")


def _cannot_be_called(name: ast.Name, source: Source) -> bool:
    parent = source.parent(name)
    if isinstance(parent, (ast.For, ast.AsyncFor, ast.AugAssign)):
        return True
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr) and parent.value is not None:
        value = parent.value
        if isinstance(value, ast.Constant) and value.value is None:
            return False
        made = isinstance(value, ast.Call) and dotted(value.func) in _MAKES_NO_CALLABLE
        return made or isinstance(value, _NOT_CALLABLE)
    return False


def _is_inner(read: ast.AST, name: ast.AST, source: Source) -> bool:
    return source.scope(read) is not source.scope(name)


def _in_function(line: int, source: Source) -> bool:
    return any(isinstance(n, FUNCTIONS) and n.lineno <= line <= end_of(n) for n in source.nodes)


def _definition(source: Source, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
    kinds = (*FUNCTIONS, ast.ClassDef)
    return next((n for n in source.nodes if isinstance(n, kinds) and n.lineno == line), None)


def _read_later(other: str, node: ast.Name, scope: ast.AST, source: Source) -> bool:
    """Read after the line, or before it in a loop around both."""
    lines = [n.lineno for n in loads(scope, other)]
    if any(line > node.lineno for line in lines):
        return True
    around = [p for p in source.parents(node) if isinstance(p, (ast.For, ast.While, ast.AsyncFor))]
    return any(loop.lineno <= line <= end_of(loop) for loop in around for line in lines)


def _quoted(message: str) -> str:
    match = re.search(r"`([^`]+)`", message)
    return match[1] if match else ""
