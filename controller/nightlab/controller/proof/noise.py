"""What differs between runs of one tree in one stream of lines, and a form of the lines in which that is masked.

Learnt from runs of the same tree on the same seed: numbers that vary (times, addresses), words that vary (names of
temporary files), lines whose number varies (progress), lines that come in any order. What is left is compared exactly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from nightlab.controller.proof.lines import NUMBER, Line, clocks, is_finite

Shape = tuple[str, ...]
Key = tuple[str, ...]
VARIES: Final = "\1"
MOST_FRAMES: Final = 50  # each line is held against each of them
LEAST_ANCHOR: Final = 3  # letters of a word that tells one kind of line from another


@dataclass(frozen=True, slots=True)
class Frame:
    """The words before and after those that vary."""

    head: Shape
    tail: Shape

    @property
    def is_telling(self) -> bool:
        """Whether it would not fit any line."""
        return any(len(word) >= LEAST_ANCHOR and word.isalnum() for word in (*self.head, *self.tail))

    def fits(self, shape: Shape) -> bool:
        """Say whether a line has this frame."""
        head, tail = len(self.head), len(self.tail)
        return len(shape) >= head + tail and shape[:head] == self.head and shape[len(shape) - tail :] == self.tail


@dataclass
class LineNoise:
    """What may differ without meaning anything.

    Attributes:
        fields: Numbers that vary, as (shape, which number of it).
        frames: Of lines in which words vary.
        shapes: Of lines that come more or less often.
        moved: Lines that come in another order.
        is_loose: Whether there are lines with nothing constant in them, so that an unknown line means nothing.
    """

    fields: set[tuple[Shape, int]] = field(default_factory=set)
    frames: list[Frame] = field(default_factory=list)
    shapes: set[Shape] = field(default_factory=set)
    moved: set[Key] = field(default_factory=set)
    dropped: set[Key] = field(default_factory=set)
    is_loose: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether nothing varied."""
        return not (self.fields or self.frames or self.shapes or self.moved or self.dropped or self.is_loose)

    def learn(self, first: Sequence[Line], second: Sequence[Line], *, is_cut: bool) -> None:
        """Take what differs between two runs of the same tree as noise.

        Args:
            first: Of one run.
            second: Of another.
            is_cut: Whether one of them was ended by its time limit: then only what both printed is compared.
        """
        if is_cut:
            length = min(len(first), len(second))
            first, second = first[:length], second[:length]
        one, two = _by_shape(first), _by_shape(second)
        for shape in one.keys() & two.keys():
            self._learn_numbers(shape, one[shape], two[shape])
            if len(one[shape]) != len(two[shape]) and not is_cut:
                self.shapes.add(shape)
        self._learn_words(
            [line for line in first if line.shape not in two], [line for line in second if line.shape not in one]
        )
        self._learn_order([key for key, _ in self.keys(first)], [key for key, _ in self.keys(second)], is_cut=is_cut)

    def keys(self, lines: Iterable[Line]) -> Iterator[tuple[Key, Line]]:
        """Yield each line that counts with its form in which noise is masked; those in any order are among them."""
        for line in lines:
            if line.shape in self.shapes:
                continue
            key = self._key(line)
            if key not in self.dropped:
                yield key, line

    def _key(self, line: Line) -> Key:
        for frame in self.frames:
            if frame.fits(line.shape):
                return (*frame.head, VARIES, *frame.tail)
        if not any((line.shape, index) in self.fields for index in range(len(line.numbers))):
            return (line.text,)
        numbers = iter(enumerate(line.numbers))
        return tuple(self._number(line.shape, *next(numbers)) if word == NUMBER else word for word in line.shape)

    def _number(self, shape: Shape, index: int, number: str) -> str:
        """A number that varies counts by whether it is one: NaN is never noise unless it comes and goes by itself."""
        if (shape, index) not in self.fields:
            return number
        return VARIES if is_finite(number) else number.lower().lstrip("+")

    def _learn_numbers(self, shape: Shape, one: Sequence[Line], two: Sequence[Line]) -> None:
        if Counter(line.numbers for line in one) == Counter(line.numbers for line in two):
            return
        for first, second in zip(one, two, strict=False):
            pairs = enumerate(zip(first.numbers, second.numbers, strict=True))
            self.fields |= {(shape, index) for index, (a, b) in pairs if a != b}
        varies = [clock for clock in clocks(shape) if any((shape, index) in self.fields for index in clock)]
        self.fields |= {(shape, index) for clock in varies for index in clock}

    def _learn_words(self, one: Sequence[Line], two: Sequence[Line]) -> None:
        """Pair lines whose words differ, in their order; those that have no partner come and go."""
        for first, second in zip(one, two, strict=False):
            if self._is_known(first.shape) and self._is_known(second.shape):
                continue
            frame = _frame(first.shape, second.shape)
            if frame.is_telling and len(self.frames) < MOST_FRAMES:
                self.frames.append(frame)
            else:
                self.is_loose = True
                self.shapes |= {first.shape, second.shape}
        paired = min(len(one), len(two))
        self.shapes |= {line.shape for line in (*one[paired:], *two[paired:]) if not self._is_known(line.shape)}

    def _is_known(self, shape: Shape) -> bool:
        return any(frame.fits(shape) for frame in self.frames)

    def _learn_order(self, one: Sequence[Key], two: Sequence[Key], *, is_cut: bool) -> None:
        """What is left after masking differs in its order, or comes and goes."""
        if one == two:
            return
        left, right = _middles(one, two)
        counts = Counter(left), Counter(right)
        for key in counts[0].keys() | counts[1].keys():
            if counts[0][key] == counts[1][key] or is_cut:
                self.moved.add(key)
            else:
                self.dropped.add(key)


def _by_shape(lines: Iterable[Line]) -> dict[Shape, list[Line]]:
    found: dict[Shape, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.shape].append(line)
    return dict(found)


def _frame(one: Shape, two: Shape) -> Frame:
    shortest = min(len(one), len(two))
    head = next((i for i in range(shortest) if one[i] != two[i]), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if one[-1 - i] != two[-1 - i]), rest)
    return Frame(one[:head], one[len(one) - tail :])


def _middles(one: Sequence[Key], two: Sequence[Key]) -> tuple[Sequence[Key], Sequence[Key]]:
    """Leave out what two sequences begin and end with alike."""
    shortest = min(len(one), len(two))
    head = next((i for i in range(shortest) if one[i] != two[i]), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if one[-1 - i] != two[-1 - i]), rest)
    return one[head : len(one) - tail], two[head : len(two) - tail]
