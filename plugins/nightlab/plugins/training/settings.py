"""Where a setting of a training script gets its number: constants, defaults of options, fields and parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nightlab.plugins.hyperparameter.calls import OPTION_CALLS, option_name
from nightlab.plugins.hyperparameter.source import callee, constant, dotted
from nightlab.plugins.training.script import Script

Named = tuple[str, ast.expr]


def named_values(script: Script) -> Iterator[Named]:
    """Yield (name, expression) for all that gives a name its first value: `x = 1`, `x: int = 1`, `def f(x=1)`,
    add_argument("--x", default=1), {"x": 1}."""
    for node in script.every:
        if isinstance(node, ast.Assign):
            yield from ((dotted(target).split(".")[-1], node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield dotted(node.target).split(".")[-1], node.value
        elif isinstance(node, ast.arguments):
            yield from _defaults(node)
        elif isinstance(node, ast.Dict):
            yield from ((k.value, v) for k, v in zip(node.keys, node.values, strict=True) if _is_text(k))  # type: ignore[union-attr]
        elif isinstance(node, ast.Call) and callee(node) in OPTION_CALLS:
            default = next((each.value for each in node.keywords if each.arg == "default"), None)
            if default is not None:
                yield option_name(node).lstrip("-").replace("-", "_"), default


def number(node: ast.expr | None) -> float | None:
    """The value of a number literal; None for anything else."""
    value = constant(node)
    return None if isinstance(value, bool | str) or value is None else float(value)


def shown(value: float) -> str:
    """Write a number as a person would, never as an integer."""
    text = f"{value:.6g}"
    return text if set(text) & set(".en") else f"{text}.0"


def _defaults(node: ast.arguments) -> Iterator[Named]:
    plain = [*node.posonlyargs, *node.args]
    given = node.defaults
    yield from ((arg.arg, value) for arg, value in zip(plain[len(plain) - len(given) :], given, strict=True))
    yield from ((a.arg, v) for a, v in zip(node.kwonlyargs, node.kw_defaults, strict=True) if v is not None)


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
