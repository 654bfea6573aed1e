"""Edits of a text that were asked for in any order, put together at once; every byte that no edit names stays.

An edit covers a span and makes new text of what the edits inside of that span have left there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Span = tuple[int, int]
Make = Callable[[bytes], bytes]
AFTER, BEFORE, REGION = 0, 1, 2


class Conflict(Exception):
    """Two edits want the same bytes.

    Attributes:
        at: Offset of the second one, in bytes.
    """

    def __init__(self, at: int) -> None:
        super().__init__(f"two edits overlap at byte {at}")
        self.at = at


@dataclass(eq=False)
class _Edit:
    start: int
    end: int
    make: Make
    anchor: Span
    rank: int
    whole: bool
    inner: list[_Edit] = field(default_factory=list)

    def holds(self, other: _Edit) -> bool:
        first, last = other.anchor
        if other is self or self.rank != REGION or ((first, last) == self.anchor and other.rank != REGION):
            return False
        if first == last:
            return self.start < first < self.end
        return self.start <= first and last <= self.end


class Splices:
    """Edits of one text, by offsets in bytes of that text."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._edits: list[_Edit] = []

    def __bool__(self) -> bool:
        return bool(self._edits)

    def insert(self, at: int, new: bytes, anchor: Span | None = None, rank: int = BEFORE) -> None:
        """Put text at an offset; with the anchor of a statement, it moves along with that statement."""
        self._edits.append(_Edit(at, at, lambda _: new, anchor or (at, at), rank, whole=False))

    def replace(self, span: Span, new: bytes) -> None:
        """Put text in place of a span; nothing else may change there."""
        self._edits.append(_Edit(*span, lambda _: new, span, REGION, whole=True))

    def rework(self, span: Span, make: Make) -> None:
        """Make new text of a span, after the edits inside of it; the last one for a span is the outermost."""
        self._edits.append(_Edit(*span, make, span, REGION, whole=False))

    def render(self) -> bytes:
        """Return the text with all edits.

        Raises:
            Conflict: Two of them want the same bytes.
        """
        for each in self._edits:
            each.inner = []
        top: list[_Edit] = []
        for number, each in enumerate(self._edits):
            parent = self._parent(number, each)
            (top if parent is None else parent.inner).append(each)
        return self._put(0, len(self._text), top)

    def _parent(self, number: int, edit: _Edit) -> _Edit | None:
        around = [
            (other.end - other.start, other_number, other)
            for other_number, other in enumerate(self._edits)
            if other.holds(edit) and (other.anchor != edit.anchor or other_number > number)
        ]
        return min(around, key=lambda each: each[:2])[2] if around else None

    def _put(self, start: int, end: int, edits: list[_Edit]) -> bytes:
        pieces, at = [], start
        for each in sorted(edits, key=lambda edit: (edit.start, edit.rank)):
            if each.start < at or each.end > end or (each.whole and each.inner):
                raise Conflict(each.start)
            inside = self._put(each.start, each.end, each.inner)
            pieces += [self._text[at : each.start], each.make(inside)]
            at = each.end
        return b"".join([*pieces, self._text[at:end]])
