"""Delta debugging: the result fails, nothing can be left out of it, and limits hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.proof.ddmin import Exhausted, ddmin

Predicate = Callable[[frozenset[int]], bool | None]


def counted(predicate: Predicate) -> tuple[Callable[[Sequence[int]], object], list[tuple[int, ...]]]:
    tried: list[tuple[int, ...]] = []

    async def fails(part: Sequence[int]) -> bool | None:
        tried.append(tuple(part))
        return predicate(frozenset(part))

    return fails, tried


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))))
async def test_what_is_needed_together_is_found_exactly(case):
    count, guilty = case
    fails, tried = counted(lambda part: guilty <= part)
    assert await ddmin(range(count), fails) == tuple(sorted(guilty))
    assert len(tried) == len(set(tried)), "a part is never tried twice"
    assert all(list(part) == sorted(part) for part in tried)


@given(st.integers(1, 200), st.data())
async def test_a_single_guilty_item_costs_the_logarithm(count, data):
    guilty = data.draw(st.integers(0, count - 1))
    fails, tried = counted(lambda part: guilty in part)
    assert await ddmin(range(count), fails) == (guilty,)
    assert len(tried) <= (count - 1).bit_length() + 1


@given(
    st.integers(1, 9).flatmap(
        lambda n: st.tuples(st.just(n), st.dictionaries(st.integers(0, 2**n - 1), st.sampled_from([True, False, None])))
    )
)
async def test_of_any_predicate_the_result_fails_and_is_one_minimal(case):
    count, answers = case

    def predicate(part: frozenset[int]) -> bool | None:
        if not part or len(part) == count:
            return bool(part)
        return answers.get(sum(1 << item for item in part), False)

    fails, _ = counted(predicate)
    found = await ddmin(range(count), fails)
    assert predicate(frozenset(found)) is True
    if len(found) > 1:
        assert not any(predicate(frozenset(part)) for part in combinations(found, len(found) - 1))


@given(st.integers(2, 60), st.data())
async def test_a_likely_item_is_tried_first(count, data):
    guilty = data.draw(st.integers(0, count - 1))
    weights = [1000.0 if item == guilty else 1.0 for item in range(count)]
    fails, tried = counted(lambda part: guilty in part)
    assert await ddmin([guilty, *(i for i in range(count) if i != guilty)], fails, weights=sorted(weights)[::-1])
    assert tried[0] == (guilty,)
    assert len(tried) == 1


async def test_without_tests_left_the_best_so_far_is_the_answer():
    fails, tried = counted(lambda part: {3, 17} <= part)
    found = await ddmin(range(20), fails, most_tests=4)
    assert len(tried) == 4
    assert {3, 17} <= set(found)
    fails, tried = counted(lambda part: {3, 17} <= part)
    assert await ddmin(range(20), fails, deadline_s=0.0) == tuple(range(20))
    assert tried == []


async def test_a_test_that_may_not_be_made_ends_the_search_and_other_errors_leave():
    async def exhausted(part: Sequence[int]) -> bool:
        if len(part) < 4:
            raise Exhausted
        return 0 in part

    assert await ddmin(range(16), exhausted) == (0, 1, 2, 3)

    async def broken(part: Sequence[int]) -> bool:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await ddmin(range(16), broken)


async def test_nothing_and_one():
    fails, tried = counted(lambda part: bool(part))
    assert await ddmin([], fails) == ()
    assert await ddmin([7], fails) == (7,)
    assert tried == []
