"""Replaces expressions of Python source with libcst, keeping every other byte: comments, format, line ends."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

Span = tuple[int, int]
_REPLACED = (cst.Integer, cst.Float, cst.SimpleString, cst.Name, cst.UnaryOperation, cst.BinaryOperation)


def replace_expressions(source: bytes, replacements: Mapping[Span, str]) -> bytes:
    """Replace literals and constant expressions.

    Args:
        source: A Python file in UTF-8.
        replacements: New expression by the old one's (start, end) in bytes.

    Returns:
        The new file; bytes outside of the spans are the same.

    Raises:
        ValueError: A span is no literal or constant expression of the file, or the file cannot be read.
    """
    try:
        module = cst.parse_module(source)
        new = {span: cst.parse_expression(text) for span, text in replacements.items()}
    except cst.ParserSyntaxError as error:
        raise ValueError(f"cannot be read: {error}") from error
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    editor = _Editor(wrapper.resolve(ByteSpanPositionProvider), new)
    result = module.visit(editor).bytes
    if editor.left or result != _spliced(source, replacements):
        raise ValueError(f"holds no literal at byte {min(editor.left or replacements)[0]}")
    return result


class _Editor(cst.CSTTransformer):
    def __init__(self, spans: Mapping[cst.CSTNode, object], new: Mapping[Span, cst.BaseExpression]) -> None:
        super().__init__()
        self._at = {id(node): _span(span) for node, span in spans.items() if isinstance(node, _REPLACED)}
        self._new = new
        self.left = set(new)

    def on_visit(self, node: cst.CSTNode) -> bool:
        return self._at.get(id(node)) not in self._new

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        span = self._at.get(id(original_node))
        if span is None or span not in self._new:
            return updated_node
        self.left.discard(span)
        expression: object = self._new[span]
        assert isinstance(expression, cst.BaseExpression) and isinstance(original_node, cst.BaseExpression)
        return expression.with_changes(lpar=original_node.lpar, rpar=original_node.rpar)  # type: ignore[return-value]


def _span(span: object) -> Span:
    start, length = getattr(span, "start", -1), getattr(span, "length", 0)
    return start, start + length


def _spliced(source: bytes, replacements: Mapping[Span, str]) -> bytes:
    for (start, end), text in sorted(replacements.items(), reverse=True):
        source = source[:start] + text.encode() + source[end:]
    return source
