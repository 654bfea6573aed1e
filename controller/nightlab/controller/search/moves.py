"""Proposes small moves from the best known point: the local half of the `tpe` policy.

A move changes one to three parameters of the incumbent, or takes values over from other good points and from TPE's
sample. An additive model of what the runs so far have taught ranks them by expected improvement, so a change that
helped is pushed on and combined with others that helped, and one that hurt is not repeated.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from nightlab.controller.search.space import Assignment, Parameter, Value
from nightlab.controller.search.standing import Point, Standing
from nightlab.controller.search.surrogate import Array, Surrogate, fit

DISTANCES: Final = (1.0, 2.0, 0.5)  # of one move, in steps
MODEL_POINTS: Final = 150  # what the model is fitted on at most: half the best, half the latest
COMBINATIONS: Final = 240
ELITE: Final = 24  # single moves that combinations are made of
HARM_PER_STEP: Final = 0.05  # expected harm of a blind change, in spreads: a default is better than a random value


@dataclass(frozen=True)
class Move:
    """A ranked proposal.

    Attributes:
        assignment: Full.
        origin: The point it starts from.
        score: Expected improvement, in spreads of the loss.
    """

    assignment: dict[str, Value]
    origin: Assignment
    score: float


def importance(parameter: Parameter) -> float:
    """Guess how much a literal matters before anything was run: step sizes first, then what scales with a logarithm."""
    name = parameter.name.rsplit(":", 1)[-1].rsplit(".", 1)[-1].lower()
    if name == "lr" or "lr" in name.split("_") or "learning_rate" in name:
        return 2.0
    return 1.0 if parameter.log else 0.7


def best_move(
    standing: Standing, losses: Sequence[float], noise: float | None, extra: Sequence[Assignment], draw: random.Random
) -> Move | None:
    """Rank moves from the incumbent.

    Args:
        standing: What is known.
        losses: One number per point of the standing, lower is better; NaN for one that is under way.
        noise: Standard deviation of one run, in the unit of losses; None: unknown.
        extra: Assignments that the moves may borrow values from, besides the points.
        draw: Random state.

    Returns:
        The best move that is not taken, or None if there is none.
    """
    model = _Model(standing, losses, noise)
    origin = model.incumbent()
    taken = set(standing.taken)
    singles = _fresh(standing, taken, _singles(standing, origin.assignment))
    if not singles:
        return None
    ranked = sorted(zip(model.score(singles), range(len(singles)), strict=True), reverse=True)
    elite = [singles[index] for _, index in ranked[:ELITE]]
    donors = [*elite, *extra, *model.good_points()]
    pool = singles + _fresh(standing, taken, _combinations(standing, origin.assignment, donors, draw))
    scores = model.score(pool)
    chosen = int(np.argmax(scores))
    return Move(pool[chosen], origin.assignment, float(scores[chosen]))


class _Model:
    """Fits the points' losses and scores assignments."""

    def __init__(self, standing: Standing, losses: Sequence[float], noise: float | None) -> None:
        self._parameters = [p for p in standing.space.parameters if p.name not in standing.inert]
        self._ordered = np.array([p.is_ordered for p in self._parameters])
        base_key = standing.space.key(standing.space.defaults())
        known = [(p, loss) for p, loss in zip(standing.points, losses, strict=True) if math.isfinite(loss)]
        base = [loss for p, loss in known if standing.space.key(p.assignment) == base_key]
        self._zero = base[0] if base else min(loss for _, loss in known)
        self._known = _selected(known)
        self._pending = [p for p, loss in zip(standing.points, losses, strict=True) if math.isnan(loss)]
        self._spread, relative = _compressed([loss - self._zero for _, loss in self._known])
        self._surrogate = self._fit(relative, noise)
        means = self._surrogate.predict(self._rows([p.assignment for p, _ in self._known]))[0]
        self._means = [float(mean) for mean in means]
        self._best = min([*self._means, 0.0])

    def _fit(self, relative: list[float], noise: float | None) -> Surrogate:
        assignments = [p.assignment for p, _ in self._known]
        prior = np.array([importance(p) for p in self._parameters])
        runs = np.array([max(len(p.numbers), 1) for p, _ in self._known], dtype=np.float64)
        sd = None if noise is None else np.maximum(noise / self._spread, 0.02) / np.sqrt(runs)
        model = fit(self._rows(assignments), np.array(relative), self._ordered, prior, sd)
        if not self._pending:
            return model
        # A run under way is believed to come out as expected, which takes the doubt, and so the appeal, from its surroundings.
        waiting = [p.assignment for p in self._pending]
        expected = [float(mean) for mean in model.predict(self._rows(waiting))[0]]
        if sd is not None:
            sd = np.concatenate([sd, np.full(len(waiting), float(sd.max()))])
        return fit(self._rows([*assignments, *waiting]), np.array([*relative, *expected]), self._ordered, prior, sd)

    def incumbent(self) -> Point:
        """Return the feasible point with the best expected loss."""
        usable = [(mean, i) for i, mean in enumerate(self._means) if _is_usable(self._known[i][0])]
        return self._known[min(usable)[1]][0] if usable else self._known[0][0]

    def good_points(self) -> list[Assignment]:
        """Return the best few points."""
        order = sorted(range(len(self._means)), key=lambda i: self._means[i])
        return [self._known[i][0].assignment for i in order if _is_usable(self._known[i][0])][:4]

    def score(self, assignments: Sequence[Assignment]) -> Array:
        """Return expected improvements over the best expected loss, in spreads."""
        rows = self._rows(assignments)
        mean, doubt = self._surrogate.predict(rows)
        tried = np.array([bool(np.any(self._surrogate.rows[:, c] != 0)) for c in range(rows.shape[1])])
        blind = np.where(tried, 0.0, np.minimum(np.abs(rows), 3.0)).sum(axis=1)
        return _expected_improvement(self._best - mean - HARM_PER_STEP * blind, doubt)

    def _rows(self, assignments: Sequence[Assignment]) -> Array:
        rows = [[p.coordinate(a[p.name]) for p in self._parameters] for a in assignments]
        return np.array(rows, dtype=np.float64).reshape(len(assignments), len(self._parameters))


def _is_usable(point: Point) -> bool:
    return point.losses is not None and point.is_feasible


def _selected(known: list[tuple[Point, float]]) -> list[tuple[Point, float]]:
    if len(known) <= MODEL_POINTS:
        return known
    latest = known[-MODEL_POINTS // 2 :]
    best = sorted(known[: -MODEL_POINTS // 2], key=lambda pair: pair[1])[: MODEL_POINTS // 2]
    return best + latest


def _compressed(relative: list[float]) -> tuple[float, list[float]]:
    """Scale by the typical size and flatten the bad side: a divergence must not drown what small gains teach."""
    sizes = sorted(abs(value) for value in relative if value != 0.0)
    spread = sizes[len(sizes) // 2] if sizes else 1.0
    scaled = [value / spread for value in relative]
    return spread, [math.log1p(value) if value > 0 else value for value in scaled]


def _expected_improvement(margin: Array, doubt: Array) -> Array:
    normal = NormalDist()
    return np.array([d * normal.pdf(m / d) + m * normal.cdf(m / d) for m, d in zip(margin, doubt, strict=True)])


def _singles(standing: Standing, origin: Assignment) -> list[dict[str, Value]]:
    found = []
    for parameter in standing.space.parameters:
        if parameter.name not in standing.inert:
            values = parameter.neighbours(origin[parameter.name], DISTANCES)
            found += [{**origin, parameter.name: value} for value in values]
    return found


def _combinations(
    standing: Standing, origin: Assignment, donors: Sequence[Assignment], draw: random.Random
) -> list[dict[str, Value]]:
    """Take two or three values over from donors; the earlier a donor, the likelier."""
    found = []
    for _ in range(COMBINATIONS):
        mixed = dict(origin)
        for _ in range(draw.choice((2, 2, 3))):
            donor = donors[min(int(draw.expovariate(4.0 / len(donors))), len(donors) - 1)]
            differing = [n for n in standing.space.changed_between(donor, origin) if n not in standing.inert]
            for name in draw.sample(differing, min(len(differing), 1)):
                mixed[name] = donor[name]
        found.append(mixed)
    return found


def _fresh(standing: Standing, taken: set[str], assignments: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """Drop what was tried and what was listed before; marks the rest as listed."""
    fresh = []
    for assignment in assignments:
        key = standing.space.key(assignment)
        if key not in taken:
            taken.add(key)
            fresh.append(assignment)
    return fresh
