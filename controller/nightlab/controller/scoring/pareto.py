"""The Pareto front of a study, for the report: which trials no other trial beats in everything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nightlab.controller.config.schema import Objective
from nightlab.controller.model.score import Direction


@dataclass(frozen=True, slots=True)
class Scored:
    """A trial's place among others.

    Attributes:
        number: Of the trial.
        values: By objective, in its own unit.
        is_feasible: It keeps every constraint.
    """

    number: int
    values: Mapping[str, float] = field(default_factory=dict)
    is_feasible: bool = True


def pareto_front(trials: Sequence[Scored], objectives: Sequence[Objective]) -> tuple[Scored, ...]:
    """Return the feasible trials that none dominates, best in the first objective first.

    A trial dominates another if it is at least as good in every objective and better in one; equal trials stay both.
    One without a finite value for every objective is not on the front.
    """
    placed = [(losses, t) for t in trials if t.is_feasible and (losses := _losses(t, objectives)) is not None]
    placed.sort(key=lambda pair: (pair[0], pair[1].number))
    front: list[tuple[tuple[float, ...], Scored]] = []
    for losses, trial in placed:  # who dominates comes before whom it dominates in this order
        if not any(dominates(other, losses) for other, _ in front):
            front.append((losses, trial))
    return tuple(trial for _, trial in front)


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether losses (lower is better) are at least as good everywhere and better somewhere."""
    return tuple(one) != tuple(other) and all(a <= b for a, b in zip(one, other, strict=True))


def _losses(trial: Scored, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    losses = []
    for objective in objectives:
        value = trial.values.get(objective.name)
        if value is None or not math.isfinite(value):
            return None
        losses.append(value if objective.direction is Direction.MINIMIZE else -value)
    return tuple(losses)
