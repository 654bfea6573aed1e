"""The promise of the keep rule, simulated with the functions that a study calls: few false keeps, real gains found."""

import math
import random

import pytest

from nightlab.controller.config.schema import Constraint, Objective, Observed, Regex
from nightlab.controller.model.score import Direction
from nightlab.controller.scoring.noise import noise_floor, pooled_spread, screen_rate
from nightlab.controller.scoring.verdict import confirm, confirm_rate, excess_of, gain_over, screen

LOSS = Objective(name="loss", measure=Regex(pattern="loss (.*)"))
ACCURACY = LOSS.model_copy(update={"direction": Direction.MAXIMIZE})
CENTER = 0.9979


class Night:
    """A study's use of the rule: baselines, then search runs that are screened and, if likely, confirmed in pairs."""

    def __init__(self, seed, spread, trials=40, repeats=3, pairs=2, rate=0.05):
        self.draw = random.Random(seed)
        self.spread, self.trials, self.pairs, self.rate = spread, trials, pairs, rate
        self.baseline = [self.run(0.0) for _ in range(repeats)]
        self.others, self.failed, self.confirmations = [], 0, 0

    def run(self, gain):
        return CENTER - gain * self.spread + self.draw.gauss(0, self.spread)

    def floor(self):
        return noise_floor("loss", self.baseline, self.others, planned_trials=self.trials)

    def is_kept(self, gain):
        if not screen(LOSS, self.run(gain), self.baseline, self.floor(), self.trials).is_likely_winner:
            return False
        self.confirmations += 1
        fresh = [self.run(gain) for _ in range(self.pairs)]
        self.baseline += [self.run(0.0) for _ in range(self.pairs)]
        rate = confirm_rate(self.rate, self.failed)
        decision = confirm(LOSS, fresh, self.baseline, self.floor(), rate=rate)
        self.others.append(fresh)
        self.failed += not decision.keep
        return decision.keep


@pytest.mark.parametrize(("trials", "repeats", "pairs"), [(40, 3, 2), (12, 3, 2), (100, 5, 2), (40, 2, 1)])
def test_a_night_without_any_real_gain_keeps_nothing_in_19_of_20_nights(trials, repeats, pairs):
    nights = 400
    false = 0
    for seed in range(nights):
        night = Night(seed, 0.0007, trials, repeats, pairs)
        false += any(night.is_kept(0.0) for _ in range(trials))
    # At a true rate of 5 % more than 7.5 % of 400 nights is seen once in a hundred times.
    assert false / nights <= 0.075


@pytest.mark.parametrize(("gain", "least"), [(3.0, 0.45), (4.0, 0.70), (8.0, 0.95)])
def test_a_real_gain_among_noise_is_found(gain, least):
    nights = 300
    found = 0
    for seed in range(nights):
        night = Night(seed, 0.0007)
        at = night.draw.randrange(40)
        for trial in range(40):
            if night.is_kept(gain if trial == at else 0.0):
                found += trial == at
                break
    assert found / nights >= least


def test_confirmations_of_a_night_share_its_rate_and_a_keep_wins_it_back():
    rates = [confirm_rate(0.05, failed) for failed in range(10_000)]
    assert sum(rates) <= 0.05
    assert sum(rates) == pytest.approx(0.05, rel=1e-3)
    assert rates == sorted(rates, reverse=True)


def test_screen_lets_at_most_four_runs_of_the_base_tree_through():
    assert screen_rate(12) == 0.10
    assert 1000 * screen_rate(1000) == pytest.approx(4.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan]])
def test_fewer_than_two_repeats_leave_the_floor_unknown_and_nothing_is_kept(values):
    floor = noise_floor("loss", values, planned_trials=40)
    assert floor.spread is None
    assert floor.threshold is None
    decision = screen(LOSS, 0.5, values or [1.0], floor, 40)
    assert not decision.is_likely_winner
    assert "unknown" in decision.reason
    assert not confirm(LOSS, [0.5, 0.5], [1.0], floor, rate=0.03).keep


def test_repeats_without_a_seed_tell_nothing():
    floor = noise_floor("loss", [1.0, 1.1, 0.9], planned_trials=40, has_seed=False)
    assert (floor.center, floor.spread, floor.threshold) == (pytest.approx(1.0), None, None)


def test_a_deterministic_script_keeps_a_real_gain_and_refuses_a_rounding_error():
    baseline = [1.2345678901, 1.2345678901, 1.2345678901]
    floor = noise_floor("loss", baseline, planned_trials=40)
    assert floor.spread is not None
    assert 0 < floor.spread < 1e-4
    assert screen(LOSS, 1.23, baseline, floor, 40).is_likely_winner
    assert confirm(LOSS, [1.23, 1.23], baseline, floor, rate=0.03).keep
    assert not screen(LOSS, 1.2345678, baseline, floor, 40).is_likely_winner


def test_a_printed_score_of_two_decimals_is_not_believed_to_its_last_digit():
    floor = noise_floor("loss", [1.23, 1.23, 1.23], planned_trials=40)
    assert not screen(LOSS, 1.22, [1.23] * 3, floor, 40).is_likely_winner
    assert screen(LOSS, 1.15, [1.23] * 3, floor, 40).is_likely_winner


def test_higher_is_better_where_the_objective_says_so():
    baseline = [0.70, 0.71, 0.72]
    floor = noise_floor("loss", baseline, planned_trials=40)
    assert screen(ACCURACY, 0.80, baseline, floor, 40).is_likely_winner
    assert not screen(LOSS, 0.80, baseline, floor, 40).is_likely_winner
    kept = confirm(ACCURACY, [0.80, 0.81], baseline, floor, rate=0.03)
    assert kept.keep
    assert kept.low is not None
    assert kept.high is not None
    assert 0 < kept.low < kept.gain < kept.high
    assert gain_over(Direction.MAXIMIZE, 0.8, 0.7) == pytest.approx(0.1)


def test_a_gain_below_min_effect_is_refused_with_that_reason():
    wanted = LOSS.model_copy(update={"min_effect": 0.05})
    baseline = [1.0, 1.001, 0.999]
    floor = noise_floor("loss", baseline, planned_trials=40, min_effect=0.05)
    assert floor.threshold == 0.05
    assert not screen(wanted, 0.96, baseline, floor, 40).is_likely_winner
    decision = confirm(wanted, [0.96, 0.961], baseline, floor, rate=0.03)
    assert not decision.keep
    assert "min_effect" in decision.reason


@pytest.mark.parametrize("fresh", [[], [0.5, math.nan]])
def test_a_confirmation_that_failed_refuses_the_keep(fresh):
    floor = noise_floor("loss", [1.0, 1.001, 0.999], planned_trials=40)
    decision = confirm(LOSS, fresh, [1.0], floor, rate=0.03)
    assert not decision.keep
    assert "no score" in decision.reason


def test_a_run_without_a_score_is_never_a_winner():
    floor = noise_floor("loss", [1.0, 1.001, 0.999], planned_trials=40)
    for value in (None, math.nan, -math.inf):
        assert not screen(LOSS, value, [1.0, 1.0], floor, 40).is_likely_winner


def test_spread_is_pooled_within_trees_not_between_them():
    spread, freedom = pooled_spread([[1.0, 3.0], [101.0, 103.0], [7.0]])
    assert (spread, freedom) == (pytest.approx(math.sqrt(2)), 2)


def test_excess_is_above_zero_where_a_bound_is_broken():
    measure = Observed(source="observed", quantity="peak_memory")
    assert excess_of(Constraint(name="memory", measure=measure, max=10.0), 12.0) == 2.0
    assert excess_of(Constraint(name="speed", measure=measure, min=10.0), 12.0) == -2.0
