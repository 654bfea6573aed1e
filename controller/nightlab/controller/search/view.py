"""One number per point: objectives weighed into a loss relative to the base, failures given a bad one.

Optuna takes objectives one by one (`study`); the additive model of `moves` takes this view.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.search.standing import Point, Standing

NOISES_OF_A_SPREAD: Final = 3.0  # where no point but the base was scored
SHARE_OF_A_SPREAD: Final = 0.01  # of the base's loss, where not even noise is known
PENALTY: Final = 2.0  # spreads beyond the worst score, for a run that left none


@dataclass(frozen=True)
class View:
    """A standing seen through one weighing.

    Attributes:
        known: Points that ended, with their loss; the base, if only assumed, is the first.
        pending: Points under way.
        noise: Standard deviation of one run's loss; None where no point was repeated or objectives are weighed.
    """

    known: list[tuple[Point, float]]
    pending: list[Point]
    noise: float | None


def view_of(standing: Standing, weights: Sequence[float]) -> View:
    """Weigh the objectives.

    Args:
        standing: What is known.
        weights: Per objective; with more than one above 0, each is scaled by its own spread first.
    """
    scored = standing.scored()
    base = _base(standing)
    zero = base.losses or (scored[0].losses if scored else None) or (0.0,) * len(weights)
    noise = _noise(scored)
    spreads = [_spread(scored, zero, index, noise if index == 0 else None) for index in range(len(weights))]
    is_single = sum(weight > 0 for weight in weights) == 1
    scales = [1.0 if is_single else spread for spread in spreads]
    losses = {id(p): _weighed(p, zero, scales, weights) for p in scored}
    bad = max([0.0, *losses.values()]) + PENALTY * (spreads[0] if is_single else 1.0)
    ended = [p for p in standing.points if not p.is_pending]
    known = [(p, losses[id(p)] if p.losses is not None and p.is_feasible else bad) for p in ended]
    if not any(p.assignment == base.assignment for p in ended):
        known.insert(0, (base, 0.0))
    return View(known, [p for p in standing.points if p.is_pending], noise if is_single and weights[0] > 0 else None)


def typical_size(losses: Sequence[float]) -> float:
    """Return the lower tercile of sizes other than 0, which a few divergences do not move; 0.0 if there are none."""
    sizes = sorted(abs(loss) for loss in losses if loss != 0.0)
    return sizes[(len(sizes) - 1) // 3] if sizes else 0.0


def _base(standing: Standing) -> Point:
    defaults = standing.space.defaults()
    run = (p for p in standing.points if p.assignment == defaults and not p.is_pending)
    return next(run, None) or Point(defaults, None, (0.0, 0), {}, True, False, ())


def _weighed(point: Point, zero: Sequence[float], scales: Sequence[float], weights: Sequence[float]) -> float:
    losses = point.losses or zero
    terms = zip(losses, zero, scales, weights, strict=True)
    return math.fsum(weight * (loss - start) / scale for loss, start, scale, weight in terms)


def _spread(scored: Sequence[Point], zero: Sequence[float], index: int, noise: float | None) -> float:
    """Typical size of a change, never 0."""
    seen = typical_size([p.losses[index] - zero[index] for p in scored if p.losses])
    if seen:
        return seen
    return NOISES_OF_A_SPREAD * noise if noise else SHARE_OF_A_SPREAD * abs(zero[index]) or 1.0


def _noise(points: Sequence[Point]) -> float | None:
    """Standard deviation of the first objective over repeats, pooled; None without any or where they are all equal."""
    squares = math.fsum(p.spread_sums[0] for p in points)
    freedom = sum(max(p.spread_sums[1] - 1, 0) for p in points)
    return math.sqrt(squares / freedom) if freedom and squares > 0 else None
