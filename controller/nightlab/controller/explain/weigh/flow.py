"""Whether a function's end can be reached, and what it returns on the way."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

from nightlab.controller.explain.weigh.source import Function, last_part, own_nodes

_ENDS: Final = re.compile(
    r"^(_?check|exit|_exit|quit|abort|fail|skip|xfail|die|fatal|panic|usage|raise_\w+|\w*_raise|\w*error\w*|unreachable|"
    r"assert_never|assert_\w+|terminate|throw\w*|unimplemented\w*|\w*not_supported\w*|reraise\w*)$",
    re.IGNORECASE,
)
_SWALLOWS: Final = re.compile(r"suppress|raises|ignore|catch|swallow", re.IGNORECASE)


def goes_on(body: Sequence[ast.stmt]) -> bool:
    """Tell whether the statement after a block can be reached. Where it is not sure, say no."""
    return all(_passes(statement) for statement in body)


def _passes(node: ast.stmt) -> bool:
    if isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return False
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return not _ENDS.match(last_part(node.value.func))
    if isinstance(node, ast.Assert):
        return not (isinstance(node.test, ast.Constant) and not node.test.value)
    if isinstance(node, ast.If):
        return goes_on(node.body) or not node.orelse or goes_on(node.orelse)
    if isinstance(node, ast.While):
        return not (isinstance(node.test, ast.Constant) and node.test.value) or _breaks(node)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return goes_on(node.body)
    if isinstance(node, (ast.Try, ast.TryStar)):
        return _try_passes(node)
    if isinstance(node, ast.Match):
        return any(goes_on(case.body) for case in node.cases)
    return True


def _try_passes(node: ast.Try | ast.TryStar) -> bool:
    if node.finalbody and not goes_on(node.finalbody):
        return False
    normal = goes_on([*node.body, *node.orelse])
    return normal or any(goes_on(handler.body) for handler in node.handlers)


def _breaks(loop: ast.While) -> bool:
    todo: list[ast.AST] = list(loop.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Break):
            return True
        if not isinstance(node, (ast.For, ast.While, ast.AsyncFor, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))
    return False


def returns(function: Function) -> list[ast.Return]:
    """Return the function's own return statements."""
    return [node for node in own_nodes(function) if isinstance(node, ast.Return)]


def yields(function: Function) -> bool:
    """Tell whether it is a generator."""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own_nodes(function))


def is_stub(function: Function) -> bool:
    """Tell whether a body is there only to be replaced: a docstring, `pass`, `...`, a raise."""
    return all(
        isinstance(s, (ast.Pass, ast.Raise, ast.Assert))
        or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in function.body
    )
