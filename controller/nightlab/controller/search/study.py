"""Replays a standing into an in-memory Optuna study and asks its TPE sampler for one assignment.

Nothing is kept in Optuna: the study is a cache that is extended when the history grew, and made anew when it changed.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightlab.controller.search.parameter import Value
from nightlab.controller.search.space import Space
from nightlab.controller.search.standing import Point, Standing

if TYPE_CHECKING:
    import optuna

FAILED = "failed"  # constraint of runs that left no score although no bound was broken


class Replay:
    """The Optuna study of one action@schema."""

    def __init__(self, space: Space, objectives: int) -> None:
        self._space = space
        self._objectives = objectives
        self._distributions = {p.name: p.distribution() for p in space.parameters}
        self._told: list[tuple[Point, tuple[float, ...]]] = []
        self._study = self._new_study()

    def fits(self, space: Space) -> bool:
        """Whether the study is one of this space."""
        return space == self._space

    def ask(self, standing: Standing, seed: int) -> dict[str, Value]:
        """Ask for one assignment, given all points.

        Args:
            standing: Points under way are told as such (constant liar); failed ones with the worst values seen, as
                broken constraints.
            seed: Of this proposal alone.
        """
        self._tell([p for p in standing.points if not p.is_pending])
        pending = [self._add(point, None) for point in standing.points if point.is_pending]
        self._study.sampler = _sampler(seed)
        trial = self._study.ask(self._distributions)
        self._forget([*pending, trial.number])
        return {p.name: p.untold(trial.params[p.name]) for p in self._space.parameters} | dict(self._space.fixed)

    def _tell(self, points: Sequence[Point]) -> None:
        worst = _worst([p.losses for p in points if p.losses is not None], self._objectives)
        now = [(point, point.losses or worst) for point in points]
        if now[: len(self._told)] != self._told:
            self._study, self._told = self._new_study(), []
        for point, values in now[len(self._told) :]:
            self._add(point, values)
        self._told = now

    def _add(self, point: Point, values: tuple[float, ...] | None) -> int:
        import optuna

        state = optuna.trial.TrialState.RUNNING if values is None else optuna.trial.TrialState.COMPLETE
        params = {p.name: p.told(point.assignment[p.name]) for p in self._space.parameters}
        self._study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=values,
                params=params,
                distributions=self._distributions,
                constraints=None if values is None else _constraints(point),
            )
        )
        return len(self._study.get_trials(deepcopy=False)) - 1

    def _forget(self, numbers: Sequence[int]) -> None:
        import optuna

        for number in numbers:
            self._study.tell(number, state=optuna.trial.TrialState.FAIL)

    def _new_study(self) -> optuna.Study:
        import optuna

        logging.getLogger("optuna").setLevel(logging.WARNING)
        return optuna.create_study(directions=["minimize"] * self._objectives, sampler=_sampler(0))


def _sampler(seed: int) -> Any:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(n_startup_trials=1, multivariate=True, constant_liar=True, seed=seed)


def _constraints(point: Point) -> dict[str, float]:
    broken = dict(point.excess)
    if point.losses is None or not point.is_feasible:
        broken[FAILED] = 0.0 if any(excess > 0 for excess in broken.values()) else 1.0
    else:
        broken[FAILED] = 0.0
    return broken


def _worst(seen: Sequence[tuple[float, ...]], objectives: int) -> tuple[float, ...]:
    if not seen:
        return (0.0,) * objectives
    return tuple(max(column) for column in zip(*seen, strict=True))
