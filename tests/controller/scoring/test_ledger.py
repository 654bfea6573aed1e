import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.scoring.ledger import Category, Spent, ledger

ROWS = [
    Spent(Role.BASELINE, Verdict.BASELINE, 12, 10),
    Spent(Role.SEARCH, Verdict.KEEP, 12, 10, 1),
    Spent(Role.SEARCH, Verdict.DISCARD, 12, 10),
    Spent(Role.SEARCH, Verdict.NO_EFFECT, 12, 10),
    Spent(Role.SEARCH, Verdict.CRASH, 5, 3),
    Spent(Role.SEARCH, Verdict.INFEASIBLE, 6, 4),
    Spent(Role.SEARCH, Verdict.PRUNED, 7, 5),
    Spent(Role.SEARCH, Verdict.VOID, 8, 6),
    Spent(Role.SEARCH, Verdict.LOST, 9, 0),
    Spent(Role.SEARCH, Verdict.REJECTED, 2, 0),
    Spent(Role.CONFIRM, Verdict.DISCARD, 12, 10),
    Spent(Role.CONFIRM, Verdict.CRASH, 5, 3),
]


def test_every_second_has_one_category():
    spent = ledger(ROWS, study_wall_s=60, slots=2)
    assert spent == {
        Category.USEFUL: 40,
        Category.CONFIRM: 10,
        Category.SMOKE: 1,
        Category.PRUNED: 5,
        Category.CRASH: 6,
        Category.INFEASIBLE: 4,
        Category.VOID: 8,
        Category.LOST: 9,
        Category.OVERHEAD: 2 + 1 + 2 + 2 + 2 + 2 + 2 + 2 + 2 + 2,
        Category.IDLE: 120 - 102,
    }


seconds = st.floats(-1, 500)


@given(
    st.lists(st.builds(Spent, st.sampled_from(Role), st.sampled_from([None, *Verdict]), seconds, seconds, seconds)),
    st.floats(0, 5000),
    st.integers(1, 8),
)
def test_categories_sum_to_the_container_time_of_the_study(rows, wall_s, slots):
    spent = ledger(rows, wall_s, slots)
    used = sum(max(row.wall_s, 0) for row in rows)
    assert sum(spent.values()) == pytest.approx(max(wall_s * slots, used))
    assert all(value >= -1e-9 for value in spent.values())
