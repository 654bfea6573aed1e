"""Values of settings in a file: module constants, class attributes and defaults of parameters."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nightlab.sdk.code.text import Text

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def literal(value: object) -> str:
    """Spell a value as Python: "'cosine'", "0.0003", "(1, 2)"."""
    return repr(value)


def spelled(value: object) -> str:
    """Spell a number, True, False or None; a str is an expression already."""
    return value if isinstance(value, str) else repr(value)


def constant(node: ast.expr | None) -> object:
    """Return the value of a literal, with its sign; None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return -inner if isinstance(inner, int | float) else None
    return node.value if isinstance(node, ast.Constant) else None


def assigned(text: Text, name: str) -> ast.expr:
    """Return the value of a module constant ("LR") or class attribute ("Config.lr").

    Raises:
        Unmet: The file assigns it never, or more than once.
    """
    *classes, last = name.split(".")
    found = [value for node in _body(text, classes) if (value := _assigned(node, last)) is not None]
    if len(found) == 1:
        return found[0]
    times = f"{len(found)} times" if found else "never"
    raise text.unmet(f"{text.path} assigns {name} {times}", found[1] if found else None)


def default(text: Text, function: str, parameter: str) -> ast.expr:
    """Return the default of a function's parameter; "Model.__init__" names a method.

    Raises:
        Unmet: There is no such function, parameter or default.
    """
    *classes, last = function.split(".")
    for node in _body(text, classes):
        if isinstance(node, _FUNCTIONS) and node.name == last:
            found = _defaults(node.args).get(parameter)
            if found is None:
                raise text.unmet(f"{function} has no default for {parameter}", node)
            return found
    raise text.unmet(f"{text.path} has no function {function}")


def _body(text: Text, classes: Sequence[str]) -> list[ast.stmt]:
    body = text.tree.body
    for name in classes:
        body = next((node.body for node in body if isinstance(node, ast.ClassDef) and node.name == name), [])
    return body


def _assigned(node: ast.stmt, name: str) -> ast.expr | None:
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return None
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return node.value if any(isinstance(each, ast.Name) and each.id == name for each in targets) else None


def _defaults(arguments: ast.arguments) -> dict[str, ast.expr]:
    plain = [*arguments.posonlyargs, *arguments.args]
    given = dict(zip((each.arg for each in reversed(plain)), reversed(arguments.defaults), strict=False))
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return given | {each.arg: value for each, value in named if value is not None}
