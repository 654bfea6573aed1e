"""Proposes small moves from the best known point: the local half of the `tpe` policy.

A move changes one to three parameters of the incumbent, by a step or to what other good points have. An additive model
of what the runs so far have taught ranks moves by expected improvement: a change that helped is pushed on and combined
with others that helped, and one that hurt is not repeated.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from nightlab.controller.search.parameter import Parameter, Value
from nightlab.controller.search.space import Assignment, Key
from nightlab.controller.search.standing import Point, Standing
from nightlab.controller.search.surrogate import Array, Surrogate, fit
from nightlab.controller.search.view import View, typical_size, view_of

DISTANCES: Final = (1.0, 0.5)  # of one move, in steps
MODEL_POINTS: Final = 100  # what the model is fitted on at most: half the best, half the latest
COMBINATIONS: Final = 240
CHANGES: Final = (2, 2, 3)  # of a combination
ELITE: Final = 24  # single moves that combinations are made of
CLASS_IMPORTANCE: Final = 0.5  # another class is as far as it gets, while a number moves one step at a time
GOOD_POINTS: Final = 4
JITTER: Final = 0.05
STANDARD: Final = NormalDist()
WORST: Final = 4.0  # loss that the model sees at most, in spreads
LEAST_NOISE: Final = 0.02  # in spreads
HARM_PER_STEP: Final = 0.02  # expected harm of a blind change, in spreads: a default is better than a random value
HARM_PER_CHANGE: Final = 0.01  # of every difference from the base: a small patch is preferred where nothing else tells


@dataclass(frozen=True)
class Move:
    """A proposal.

    Attributes:
        assignment: Full.
        origin: The point it starts from.
    """

    assignment: dict[str, Value]
    origin: Point


def importance(parameter: Parameter) -> float:
    """Guess how much a literal matters before anything was run: step sizes first, then what scales with a logarithm."""
    name = parameter.name.rsplit(":", 1)[-1].rsplit(".", 1)[-1].lower()
    if name == "lr" or "lr" in name.split("_") or "learning_rate" in name:
        return 2.0
    if not parameter.is_ordered:
        return CLASS_IMPORTANCE
    return 1.0 if parameter.log else 0.7


def best_move(standing: Standing, weights: Sequence[float], draw: random.Random) -> Move | None:
    """Rank moves from the incumbent.

    Args:
        standing: What is known; without any score the base is taken for the incumbent.
        weights: Of the objectives, in their order.
        draw: Random state; decides between moves that promise the same.

    Returns:
        The best move that is not taken, or None if there is none.
    """
    model = _Model(standing, weights)
    origin = model.incumbent()
    listed = set(standing.taken)
    singles = _fresh(standing, listed, _singles(standing, origin.assignment))
    if not singles:
        return None
    scores = [score * draw.uniform(1.0 - JITTER, 1.0) for score in model.score(singles)]
    elite = [singles[index] for index in sorted(range(len(singles)), key=lambda i: -scores[i])[:ELITE]]
    donors = [*elite, *model.good_assignments()]
    mixed = _fresh(standing, listed, _combinations(standing, origin.assignment, donors, draw))
    scores += [score * draw.uniform(1.0 - JITTER, 1.0) for score in model.score(mixed)] if mixed else []
    return Move((singles + mixed)[max(range(len(scores)), key=lambda i: scores[i])], origin)


class _Model:
    """Fits the points' losses and scores assignments."""

    def __init__(self, standing: Standing, weights: Sequence[float]) -> None:
        self._parameters = [p for p in standing.space.parameters if p.name not in standing.inert]
        self._ordered = np.array([p.is_ordered for p in self._parameters], dtype=np.bool_)
        view = view_of(standing, weights)
        self._known = _selected(view.known)
        self._spread, losses = _compressed([loss for _, loss in self._known])
        self._surrogate = self._fit(losses, view)
        self._tried = self._surrogate.rows.any(axis=0)
        means = self._surrogate.predict(self._rows([p.assignment for p, _ in self._known]))[0]
        order = sorted(range(len(means)), key=lambda i: (float(means[i]), i))
        self._usable = [self._known[i][0] for i in order if _is_usable(self._known[i][0])]
        self._best = min([0.0, *(float(means[i]) for i in order if _is_usable(self._known[i][0]))])

    def _fit(self, losses: list[float], view: View) -> Surrogate:
        assignments = [p.assignment for p, _ in self._known]
        prior = np.array([importance(p) for p in self._parameters])
        runs = np.array([max(len(p.numbers), 1) for p, _ in self._known], dtype=np.float64)
        sd = None if view.noise is None else max(view.noise / self._spread, LEAST_NOISE) / np.sqrt(runs)
        model = fit(self._rows(assignments), np.array(losses), self._ordered, prior, sd)
        if not view.pending:
            return model
        # A run under way is believed to end as expected: that takes the doubt, and so the appeal, from what is near it.
        waiting = [p.assignment for p in view.pending]
        expected = [float(mean) for mean in model.predict(self._rows(waiting))[0]]
        if sd is not None:
            sd = np.concatenate([sd, np.full(len(waiting), float(sd.max()))])
        return fit(self._rows([*assignments, *waiting]), np.array([*losses, *expected]), self._ordered, prior, sd)

    def incumbent(self) -> Point:
        """Return the feasible point with the best expected loss."""
        return self._usable[0] if self._usable else self._known[0][0]

    def good_assignments(self) -> list[Assignment]:
        """Return those of the best few points."""
        return [point.assignment for point in self._usable[:GOOD_POINTS]]

    def score(self, assignments: Sequence[Assignment]) -> list[float]:
        """Return expected improvements over the best expected loss, in spreads."""
        rows = self._rows(assignments)
        mean, doubt = self._surrogate.predict(rows)
        blind = np.where(self._tried, 0.0, np.abs(rows)).sum(axis=1)
        margin = self._best - mean - HARM_PER_STEP * blind - HARM_PER_CHANGE * (rows != 0).sum(axis=1)
        return [_expected_improvement(float(m), float(d)) for m, d in zip(margin, doubt, strict=True)]

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


def _compressed(losses: list[float]) -> tuple[float, list[float]]:
    """Scale by a typical size and flatten the bad side: a divergence must not drown what small gains teach."""
    spread = typical_size(losses) or 1.0
    return spread, [x if x < 0 else min(math.log1p(x), WORST) for x in (loss / spread for loss in losses)]


def _expected_improvement(margin: float, doubt: float) -> float:
    return doubt * STANDARD.pdf(margin / doubt) + margin * STANDARD.cdf(margin / doubt)


def _singles(standing: Standing, origin: Assignment) -> list[dict[str, Value]]:
    found = []
    for parameter in standing.space.parameters:
        if parameter.name not in standing.inert:
            here = origin[parameter.name]
            found += [{**origin, parameter.name: value} for value in parameter.neighbours(here, DISTANCES)]
            found.append({**origin, parameter.name: parameter.default})  # a patch with one change less
    return found


def _combinations(
    standing: Standing, origin: Assignment, donors: Sequence[Assignment], draw: random.Random
) -> list[dict[str, Value]]:
    """Take two or three values over from donors; the earlier a donor, the likelier."""
    offers = []
    for donor in donors:
        names = [n for n in standing.space.changed_between(donor, origin) if n not in standing.inert]
        if names:
            offers.append({name: donor[name] for name in names})
    found = []
    for _ in range(COMBINATIONS if offers else 0):
        mixed = dict(origin)
        for _ in range(draw.choice(CHANGES)):
            offer = offers[min(int(draw.expovariate(4.0 / len(offers))), len(offers) - 1)]
            name = draw.choice(list(offer))
            mixed[name] = offer[name]
        found.append(mixed)
    return found


def _fresh(standing: Standing, listed: set[Key], assignments: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """Drop what was tried and what was listed before; marks the rest as listed."""
    fresh = []
    for assignment in assignments:
        key = standing.space.key(assignment)
        if key not in listed:
            listed.add(key)
            fresh.append(assignment)
    return fresh
