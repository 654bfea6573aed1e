"""The noise floor: how much a score moves when only the seed does, and what a single run must gain to stand out.

Decides nothing: the two-stage rule that uses these numbers is `scoring.verdict`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nightlab.controller.model.score import NoiseFloor
from nightlab.controller.scoring.quantiles import t_quantile

FALSE_ALARMS_A_NIGHT: Final = 4.0  # runs of the base tree itself that would pass the screen, at most
LOOSEST_SCREEN: Final = 0.10
MEANINGFUL: Final = 1e-5  # of the center: no gain below it is told from a rounding error, however quiet the repeats
_DECIMALS_OF_A_PRINTED_NUMBER: Final = 9


def noise_floor(
    name: str,
    baseline: Sequence[float],
    others: Sequence[Sequence[float]] = (),
    *,
    planned_trials: int,
    has_seed: bool = True,
    min_effect: float = 0.0,
) -> NoiseFloor:
    """Estimate the spread of one objective over repeats, pooled over all trees that were repeated.

    Args:
        name: The objective.
        baseline: Values of the base tree's runs, each on another seed.
        others: Values of other trees' repeats, one sequence a tree: confirmation runs only, never the search run that
            made a tree look good, for that one was chosen for its luck.
        planned_trials: Search trials of the whole night.
        has_seed: Whether repeats differ in their seed; without it their spread says nothing.
        min_effect: Smallest gain worth keeping, in the objective's unit; the threshold is never below it.

    Returns:
        A floor whose spread and threshold are None with fewer than two repeats of any tree, or without a seed. A spread
        of zero is taken for the resolution of the printed numbers.
    """
    values = [value for value in baseline if math.isfinite(value)]
    center = math.fsum(values) / len(values) if values else None
    unknown = NoiseFloor(name, center, None, len(values), None)
    spread, freedom = pooled_spread([values, *others])
    if center is None or spread is None or not has_seed:
        return unknown
    floor = replace(unknown, spread=max(spread, _resolution(values, center)), freedom=freedom)
    threshold = screen_threshold(floor, len(values), planned_trials)
    return replace(floor, threshold=None if threshold is None else max(threshold, min_effect))


def pooled_spread(groups: Sequence[Sequence[float]]) -> tuple[float | None, int]:
    """Return the standard deviation within groups and the degrees of freedom it rests on.

    Returns:
        (None, 0) when no group has two values.
    """
    squares, freedom = 0.0, 0
    for group in groups:
        values = [value for value in group if math.isfinite(value)]
        if len(values) > 1:
            center = math.fsum(values) / len(values)
            squares += math.fsum((value - center) ** 2 for value in values)
            freedom += len(values) - 1
    return (math.sqrt(squares / freedom), freedom) if freedom else (None, 0)


def screen_rate(planned_trials: int) -> float:
    """Return the chance that one run of the base tree itself may pass the screen.

    The screen only decides what is worth confirmation runs; the error rate of a keep is the confirmation's. So it is
    loose: one in ten, or so that a night sees four false alarms at most.
    """
    return min(LOOSEST_SCREEN, FALSE_ALARMS_A_NIGHT / max(planned_trials, 1))


def screen_threshold(floor: NoiseFloor, incumbent_runs: int, planned_trials: int) -> float | None:
    """Return the gain over the incumbent's mean that a single run must exceed to be a likely winner.

    The upper bound of a prediction interval for one further run: t(1 - rate, freedom) * spread * sqrt(1 + 1/runs). With
    three repeats Student's t is 1.5 times the normal quantile there: three runs say little about a spread.

    Args:
        floor: Gives the spread and its degrees of freedom.
        incumbent_runs: How many runs the incumbent's mean rests on.
        planned_trials: Search trials of the whole night.

    Returns:
        None when the floor is unknown.
    """
    if floor.spread is None or floor.freedom < 1 or incumbent_runs < 1:
        return None
    quantile = t_quantile(1.0 - screen_rate(planned_trials), floor.freedom)
    return quantile * floor.spread * math.sqrt(1.0 + 1.0 / incumbent_runs)


def _resolution(values: Sequence[float], center: float) -> float:
    """Half a unit of the last printed digit, or of what is meaningful at all."""
    decimals = max(_decimals(value) for value in values)
    printed = 0.5 * 10.0**-decimals if decimals < _DECIMALS_OF_A_PRINTED_NUMBER else 0.0
    return max(printed if abs(printed) < abs(center) else 0.0, MEANINGFUL * abs(center))


def _decimals(value: float) -> int:
    mantissa, _, exponent = repr(value).partition("e")
    fraction = mantissa.partition(".")[2].rstrip("0")
    return max(len(fraction) - int(exponent or 0), 0)
