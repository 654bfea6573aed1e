"""Weighs findings on defaults that are made once: by what the function does with them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from nightlab.controller.explain.weigh.source import FUNCTIONS, Source, dotted, last_part
from nightlab.controller.explain.weigh.weighed import Found, Kept

CHANGING: Final = frozenset(
    {
        *("append", "extend", "insert", "add", "update", "pop", "popitem", "remove", "discard", "clear", "setdefault"),
        *("sort", "reverse", "appendleft", "popleft", "extendleft", "difference_update", "intersection_update"),
    }
)
_MOMENT: Final = frozenset(
    {
        *("time", "time_ns", "perf_counter", "monotonic", "now", "utcnow", "today", "uuid1", "uuid4", "getpid"),
        *("urandom", "token_hex", "token_bytes", "random", "randint", "randrange", "uniform", "gauss", "normal"),
        *("choice", "rand", "randn", "randperm", "rand_like", "randn_like"),
    }
)
_REMEMBERS: Final = re.compile(r"cache|memo|seen|^_", re.IGNORECASE)


def shared_default(found: Found, source: Source) -> Kept:
    """B006: the function changes the default in place, returns it, or keeps it where a method changes it."""
    for node in source.at(found.line, found.column):
        function, name = _parameter(node, source)
        if function is None:
            continue
        if _REMEMBERS.search(name):
            return None  # a function's memory, kept on purpose
        fresh = _replaced_in(function, name)
        for line, what in _leaks(function, name, source):
            if line < fresh:
                return f"and line {line} {what}"
        return None
    return None


def moment_default(found: Found, source: Source) -> Kept:
    """B008, RUF009: the call gives another value every time, but is made once."""
    for node in source.at(found.line, found.column):
        if isinstance(node, ast.Call) and (last_part(node.func) in _MOMENT or ".random." in f".{dotted(node.func)}."):
            return f"and `{dotted(node.func)}()` is called once, for all"
    return None


def _parameter(default: ast.AST, source: Source) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef | None, str]:
    holder = source.parent(default)
    function = source.parent(holder) if isinstance(holder, ast.arguments) else None
    if not isinstance(holder, ast.arguments) or not isinstance(function, FUNCTIONS):
        return None, ""
    positional = [*holder.posonlyargs, *holder.args]
    pairs = list(zip(positional[len(positional) - len(holder.defaults) :], holder.defaults, strict=True))
    pairs += [
        (arg, value) for arg, value in zip(holder.kwonlyargs, holder.kw_defaults, strict=True) if value is not None
    ]
    return function, next((arg.arg for arg, value in pairs if value is default), "")


def _replaced_in(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> int:
    """Return the line from which on the parameter is another object for sure."""
    for statement in function.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return statement.lineno
    return 1 << 60


def _leaks(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if not (isinstance(node, ast.Name) and node.id == name):
            continue
        parent = source.parent(node)
        changed = changes_in_place(node, source)
        if changed:
            yield node.lineno, changed
        elif isinstance(parent, (ast.Return, ast.Yield)):
            yield node.lineno, "hands it out"
        elif isinstance(parent, ast.Assign) and parent.value is node:
            yield from _kept(parent, source)


def changes_in_place(node: ast.AST, source: Source) -> str:
    """Say how an expression's value is changed where it stands; empty if it is not."""
    parent = source.parent(node)
    if isinstance(parent, ast.Attribute) and parent.attr in CHANGING:
        call = source.parent(parent)
        return f"changes it by .{parent.attr}()" if isinstance(call, ast.Call) and call.func is parent else ""
    if isinstance(parent, ast.Subscript) and parent.value is node and not isinstance(parent.ctx, ast.Load):
        return "changes an item of it"
    return "adds to it" if isinstance(parent, ast.AugAssign) and parent.target is node else ""


def _kept(assign: ast.Assign, source: Source) -> Iterator[tuple[int, str]]:
    """An attribute that some method of the class changes in place."""
    kept = {target.attr for target in assign.targets if isinstance(target, ast.Attribute)}
    owner = next((p for p in source.parents(assign) if isinstance(p, ast.ClassDef)), None)
    if not kept or owner is None:
        return
    for node in ast.walk(owner):
        if isinstance(node, ast.Attribute) and node.attr in kept and dotted(node.value) == "self":
            changed = changes_in_place(node, source)
            if changed:
                yield assign.lineno, f"keeps it, and line {node.lineno} {changed}"
