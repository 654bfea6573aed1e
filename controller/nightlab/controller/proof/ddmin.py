"""Finds the smallest part of a set that still fails: a bisection first, then delta debugging where that is not enough.

Knows nothing of what an item is. A bisection finds a single guilty item of n in about log2(n) tests; where no single
one is guilty, minimizing goes on as in Zeller & Hildebrandt (2002), "Simplifying and Isolating Failure-Inducing Input".
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final, Generic, TypeVar

T = TypeVar("T")
Fails = Callable[[Sequence[T]], Awaitable[bool | None]]
MOST_TESTS: Final = 1000


class Exhausted(Exception):
    """No further test may be made; what is known so far is the answer."""


async def ddmin(
    items: Sequence[T],
    fails: Fails[T],
    *,
    most_tests: int = MOST_TESTS,
    deadline_s: float | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[T, ...]:
    """Reduce items of which the whole is known to fail, and the empty set not to.

    Args:
        items: In their order; equal ones are told apart by their place.
        fails: Says whether a part, in order, fails; None: unresolved, taken as not failing. May raise Exhausted.
        most_tests: Calls of `fails`; a part is never tried twice.
        deadline_s: From now, after which no further test begins.
        weights: How likely each item is guilty, relative to the others; all the same if None.

    Returns:
        A part that fails, in order; taking out any one item makes it pass, unless the tests ran out before.
    """
    if not items:
        return ()
    search = _Search(items, fails, most_tests, deadline_s, weights or [1.0] * len(items))
    with suppress(Exhausted):
        await search.run()
    return tuple(items[index] for index in search.smallest)


class _Search(Generic[T]):
    """Works on places of items; `smallest` is the smallest part that is known to fail."""

    def __init__(
        self,
        items: Sequence[T],
        fails: Fails[T],
        most_tests: int,
        deadline_s: float | None,
        weights: Sequence[float],
    ) -> None:
        self.smallest = tuple(range(len(items)))
        self._items = items
        self._fails = fails
        self._tests_left = most_tests
        self._deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self._weights = weights
        self._known: dict[tuple[int, ...], bool] = {(): False, self.smallest: True}

    async def run(self) -> None:
        """Bisect, then minimize what is left."""
        await self._bisect()
        await self._minimize()

    async def _test(self, part: tuple[int, ...]) -> bool:
        if part not in self._known:
            if self._tests_left <= 0 or (self._deadline is not None and time.monotonic() >= self._deadline):
                raise Exhausted
            self._tests_left -= 1
            self._known[part] = await self._fails([self._items[index] for index in part]) is True
        if self._known[part] and len(part) < len(self.smallest):
            self.smallest = part
        return self._known[part]

    async def _bisect(self) -> None:
        """Follow the half that fails, taking the second for guilty when the first is not; test what that leads to."""
        part = self.smallest
        while len(part) > 1:
            cut = self._cut(part)
            part = part[:cut] if await self._test(part[:cut]) else part[cut:]
        await self._test(part)

    def _cut(self, part: tuple[int, ...]) -> int:
        """Divide where both sides are about equally likely to be guilty."""
        whole, so_far = sum(self._weights[index] for index in part), 0.0
        for place, index in enumerate(part[:-1], 1):
            so_far += self._weights[index]
            if so_far * 2 >= whole:
                return place
        return len(part) - 1

    async def _minimize(self) -> None:
        parts = 2
        while len(self.smallest) > 1:
            chunks = _chunks(self.smallest, parts)
            if await self._any_fails(chunks):
                parts = 2
            elif parts > 2 and await self._any_fails([_without(self.smallest, chunk) for chunk in chunks]):
                parts = max(parts - 1, 2)
            elif parts < len(self.smallest):
                parts = min(len(self.smallest), parts * 2)
            else:
                break

    async def _any_fails(self, candidates: Sequence[tuple[int, ...]]) -> bool:
        for candidate in candidates:
            if await self._test(candidate):
                return True
        return False


def _chunks(part: tuple[int, ...], count: int) -> list[tuple[int, ...]]:
    count = min(count, len(part))
    bounds = [len(part) * number // count for number in range(count + 1)]
    return [part[start:end] for start, end in pairwise(bounds)]


def _without(part: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    gone = set(taken)
    return tuple(index for index in part if index not in gone)
