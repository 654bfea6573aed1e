"""The keep rule, in two stages: a cheap screen of every search run, then a test on fresh runs of what passed it.

A search run is never evidence for its own keep: the best of forty runs is lucky as well as good. Only confirmation runs
on fresh seeds are, and each further confirmation has a smaller error rate, so that the rates of a whole night sum to
the one that was asked for. Running the confirmations belongs to the study.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nightlab.controller.config.schema import Constraint, Objective
from nightlab.controller.model.score import Direction, NoiseFloor
from nightlab.controller.scoring.noise import pooled_spread, screen_threshold
from nightlab.controller.scoring.quantiles import t_quantile


@dataclass(frozen=True, slots=True)
class ScreenDecision:
    """Whether a search run earned confirmation runs.

    Attributes:
        is_likely_winner: It did.
        gain: Over the incumbent's mean, in the objective's unit, above 0 is better; None without a score.
        threshold: What the gain had to exceed; None when the noise floor is unknown.
        reason: One line for a person.
    """

    is_likely_winner: bool
    gain: float | None
    threshold: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class KeepDecision:
    """Whether a likely winner becomes the incumbent.

    Attributes:
        keep: It does.
        gain: Mean gain over the incumbent in fresh runs, in the objective's unit; None where runs failed.
        low: Lower end of the gain's interval at the confirmation's error rate; None when it cannot be told.
        high: Upper end.
        reason: One line for a person.
    """

    keep: bool
    gain: float | None
    low: float | None
    high: float | None
    reason: str


def gain_over(direction: Direction, value: float, reference: float) -> float:
    """Return how much better a value is than a reference, above 0 is better."""
    return reference - value if direction is Direction.MINIMIZE else value - reference


def excess_of(constraint: Constraint, value: float) -> float:
    """Return how far a value lies beyond a constraint's bound, in its unit; above 0 is broken."""
    if constraint.max is not None:
        return value - constraint.max
    assert constraint.min is not None
    return constraint.min - value


def screen(
    objective: Objective,
    value: float | None,
    incumbent_values: Sequence[float],
    floor: NoiseFloor,
    planned_trials: int,
) -> ScreenDecision:
    """Decide whether a single search run is worth confirming.

    Args:
        objective: The first objective of the study.
        value: The run's; None if it has none.
        incumbent_values: Every run of the incumbent that was not chosen for its value: baseline repeats and
            confirmations.
        floor: As of now.
        planned_trials: Search trials of the whole night.
    """
    incumbent = [v for v in incumbent_values if math.isfinite(v)]
    if value is None or not math.isfinite(value):
        return ScreenDecision(False, None, None, f"no value of {objective.name}")
    if not incumbent:
        return ScreenDecision(False, None, None, f"the incumbent has no value of {objective.name}")
    gain = gain_over(objective.direction, value, math.fsum(incumbent) / len(incumbent))
    threshold = screen_threshold(floor, len(incumbent), planned_trials)
    if threshold is None:
        return ScreenDecision(False, gain, None, "the noise floor is unknown, so no gain can be told from noise")
    threshold = max(threshold, objective.min_effect)
    if gain > threshold:
        return ScreenDecision(True, gain, threshold, f"a gain of {gain:.4g} in one run is more than {threshold:.4g}")
    return ScreenDecision(False, gain, threshold, f"a gain of {gain:.4g} in one run is not more than {threshold:.4g}")


def confirm_rate(false_keep_rate: float, failed_confirmations: int) -> float:
    """Return the error rate of the next confirmation.

    Args:
        false_keep_rate: Of the whole night.
        failed_confirmations: How many likely winners were refused since the last keep, or since the start.

    The rates 6/pi^2 * rate / k^2 sum to `false_keep_rate` over any number of confirmations, so a night without any real
    gain ends with a keep at most that often. A keep wins the budget back, as in alpha-investing (Foster & Stine 2008,
    JRSS-B 70), which then bounds the share of false ones among the keeps.
    """
    return false_keep_rate * 6.0 / (math.pi * (failed_confirmations + 1)) ** 2


def confirm(
    objective: Objective,
    candidate_values: Sequence[float],
    incumbent_values: Sequence[float],
    floor: NoiseFloor,
    *,
    rate: float,
) -> KeepDecision:
    """Decide on a keep: a one-sided two-sample t test with the spread pooled over all repeats of the night.

    Pooling is what makes two confirmation runs enough: their own spread has one degree of freedom, the night's has more
    with every repeat.

    Args:
        objective: The first objective of the study.
        candidate_values: Fresh runs of the candidate, without the run that was screened. NaN for one that failed.
        incumbent_values: Every run of the incumbent that was not chosen for its value, the fresh ones included.
        floor: Over all repeats but the candidate's.
        rate: Of `confirm_rate`.
    """
    if any(not math.isfinite(v) for v in candidate_values) or not candidate_values:
        return KeepDecision(False, None, None, None, "a confirmation run of the candidate has no score")
    incumbent = [v for v in incumbent_values if math.isfinite(v)]
    if not incumbent:
        return KeepDecision(False, None, None, None, "the incumbent has no score to compare with")
    gain = gain_over(objective.direction, _mean(candidate_values), _mean(incumbent))
    margin = _margin(candidate_values, incumbent, floor, rate)
    if margin is None:
        return KeepDecision(False, gain, None, None, "the noise floor is unknown, so no gain can be confirmed")
    low, high = gain - margin, gain + margin
    return KeepDecision(low > 0.0 and gain >= objective.min_effect, gain, low, high, _told(gain, margin, objective))


def _margin(candidate: Sequence[float], incumbent: Sequence[float], floor: NoiseFloor, rate: float) -> float | None:
    if floor.spread is None or floor.freedom < 1:
        return None
    own, own_freedom = pooled_spread([candidate])
    freedom = floor.freedom + own_freedom
    squares = floor.spread**2 * floor.freedom + (own or 0.0) ** 2 * own_freedom
    error = math.sqrt(squares / freedom * (1.0 / len(candidate) + 1.0 / len(incumbent)))
    return t_quantile(1.0 - rate, freedom) * error


def _told(gain: float, margin: float, objective: Objective) -> str:
    if gain <= margin:
        return f"fresh runs show a gain of {gain:.4g}; noise alone could show up to {margin:.4g}"
    if gain < objective.min_effect:
        return f"fresh runs show a gain of {gain:.4g}, below min_effect = {objective.min_effect:g}"
    return f"fresh runs confirm a gain of {gain:.4g}, more than the {margin:.4g} that noise could show"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
