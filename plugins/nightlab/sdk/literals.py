"""Replaces expressions of Python source with libcst, keeping every other byte: comments, format, line ends.

Only the top-level statements that change are read by libcst, which takes a second for a thousand lines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

Span = tuple[int, int]
_BOM: Final = b"\xef\xbb\xbf"
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
    left = dict(replacements)
    pieces: list[bytes] = []
    done = 0
    for start, end in _statements(source):
        inside = {span: left.pop(span) for span in replacements if start <= span[0] and span[1] <= end}
        if inside:
            shifted = {(first - start, last - start): text for (first, last), text in inside.items()}
            pieces += [source[done:start], _replaced(source[start:end], shifted)]
            done = end
    if left:
        raise ValueError(f"holds no expression at byte {min(left)[0]}")
    return b"".join([*pieces, source[done:]])


def _statements(source: bytes) -> Iterator[Span]:
    """Spans of whole lines, one for each run of top-level statements that share lines."""
    base = len(_BOM) if source.startswith(_BOM) else 0
    starts = [base, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", source)), len(source)]
    first = last = 0
    for statement in ast.parse(source).body:
        decorators = getattr(statement, "decorator_list", [])
        begin = min([statement.lineno, *(each.lineno for each in decorators)])
        if first and begin > last:
            yield starts[first - 1], starts[last]
            first = 0
        first, last = first or begin, max(last, statement.end_lineno or begin)
    if first:
        yield starts[first - 1], starts[min(last, len(starts) - 1)]


def _replaced(chunk: bytes, replacements: Mapping[Span, str]) -> bytes:
    try:
        module = cst.parse_module(chunk)
        new = {span: cst.parse_expression(text) for span, text in replacements.items()}
    except cst.ParserSyntaxError as error:
        raise ValueError(f"cannot be read: {error}") from error
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    editor = _Editor(wrapper.resolve(ByteSpanPositionProvider), new)
    result = module.visit(editor).bytes
    if editor.left or result != _spliced(chunk, replacements):
        raise ValueError(f"holds no literal {', '.join(map(repr, replacements.values()))} could replace")
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
