"""Writes numbers into code the way people do, and multiplies expressions by them."""

from __future__ import annotations

import ast

from nightlab.plugins.hyperparameter.source import constant


def number_text(value: float) -> str:
    """Write a number with four digits: 6e-5, 0.1, 30.0."""
    text = f"{value:.4g}"
    mantissa, e, exponent = text.partition("e")
    if e:
        return f"{mantissa}e{int(exponent)}"
    return text if "." in text else f"{text}.0"


def scaled(node: ast.expr, text: str, factor: float) -> str:
    """Multiply an expression.

    Args:
        node: The expression.
        text: The same as written.
        factor: Above 0; four digits of it count.

    Returns:
        A number if the expression is one; else "EXPR * 0.3", with one factor also where there was one already.
    """
    value = constant(node)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return text if factor == 1 or not value else number_text(value * factor)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Constant):
        before = constant(node.right)
        if isinstance(before, int | float) and not isinstance(before, bool):
            return _times(node.left, ast.unparse(node.left), before * factor)
    return _times(node, text, factor)


def _times(node: ast.expr, text: str, factor: float) -> str:
    if number_text(factor) == "1.0":
        return text
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
    )
    return f"{text if simple else f'({text})'} * {number_text(factor)}"
