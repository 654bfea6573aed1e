import math

from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.config.schema import Objective, Regex
from nightlab.controller.model.score import Direction
from nightlab.controller.scoring.pareto import Scored, dominates, pareto_front

LOSS = Objective(name="loss", measure=Regex(pattern="(.)"))
SPEED = Objective(name="speed", measure=Regex(pattern="(.)"), direction=Direction.MAXIMIZE)


def trial(number, loss, speed, feasible=True):
    return Scored(number, {"loss": loss, "speed": speed}, feasible)


def test_front_holds_what_nothing_beats_and_only_feasible_trials():
    trials = [trial(0, 2.0, 10), trial(1, 1.9, 10), trial(2, 1.8, 5), trial(3, 1.0, 99, False), trial(4, 2.1, 12)]
    assert [t.number for t in pareto_front(trials, (LOSS, SPEED))] == [2, 1, 4]


def test_a_missing_or_infinite_value_is_not_on_the_front():
    trials = [Scored(0, {"loss": 1.0}), trial(1, math.nan, 1), trial(2, -math.inf, 1), trial(3, 5, 5)]
    assert [t.number for t in pareto_front(trials, (LOSS, SPEED))] == [3]


def test_equal_trials_stay_both_and_one_objective_gives_the_best():
    assert [t.number for t in pareto_front([trial(0, 1, 1), trial(1, 1, 1)], (LOSS, SPEED))] == [0, 1]
    assert [t.number for t in pareto_front([trial(0, 2, 1), trial(1, 1, 1)], (LOSS,))] == [1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_front_is_exactly_what_no_trial_dominates(values):
    trials = [trial(i, loss, speed) for i, (loss, speed) in enumerate(values)]
    expected = {
        t.number
        for t in trials
        if not any(
            dominates((o.values["loss"], -o.values["speed"]), (t.values["loss"], -t.values["speed"])) for o in trials
        )
    }
    assert {t.number for t in pareto_front(trials, (LOSS, SPEED))} == expected
