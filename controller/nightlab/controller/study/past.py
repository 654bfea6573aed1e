"""The study's history as a policy sees it: one entry a tree, its values the mean over all of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from nightlab.controller.config.schema import Config, Constraint
from nightlab.controller.model.score import Measurement, Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.scoring.verdict import excess_of
from nightlab.controller.search.policy import Past
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.study.notices import notices_of
from nightlab.controller.study.scribe import Scribe

UNTOLD: Final = frozenset({Verdict.VOID, Verdict.LOST})  # what was measured then is nobody's result


def past_of(config: Config, scribe: Scribe, trials: Sequence[TrialRecord]) -> list[Past]:
    """Return every baseline and search trial with the mean of what it and its confirmations measured."""
    measured = scribe.store.measurements(scribe.study_id)
    attempts: dict[int, list[AttemptRecord]] = {}
    for attempt in scribe.store.attempts(scribe.study_id):
        attempts.setdefault(attempt.number, []).append(attempt)
    runs = runs_by_tree(trials)
    return [
        _past(
            config,
            trial,
            [measured.get(number, {}) for number in runs.get(trial.number, [])],
            attempts.get(trial.number, []),
        )
        for trial in trials
        if trial.role is not Role.CONFIRM
    ]


def runs_by_tree(trials: Sequence[TrialRecord]) -> dict[int, list[int]]:
    """Return, for each baseline and search trial, the numbers of its own run and of its confirmations'."""
    runs = {trial.number: [trial.number] for trial in trials if trial.role is not Role.CONFIRM}
    for trial in trials:
        if trial.role is Role.CONFIRM and trial.parent is not None and trial.verdict is Verdict.MEASURED:
            runs[trial.parent].append(trial.number)
    return runs


def excess(constraint: Constraint, value: float | None) -> float | None:
    """Return how far a value lies beyond its bound, above 0: broken; None without a value."""
    return None if value is None else excess_of(constraint, value)


def _past(
    config: Config,
    trial: TrialRecord,
    runs: Sequence[Mapping[str, Measurement]],
    attempts: Sequence[AttemptRecord],
) -> Past:
    runs = [] if trial.verdict in UNTOLD else runs
    values = {o.name: mean for o in config.objectives if (mean := _mean(o.name, runs)) is not None}
    over = {c.name: e for c in config.constraints if (e := excess(c, _mean(c.name, runs))) is not None}
    is_open = trial.verdict is None and trial.ended_unix_ms is None
    waits = trial.verdict is None and not is_open
    return Past(
        number=trial.number,
        call=trial.call,
        verdict=Verdict.DISCARD if waits else trial.verdict,
        values=values,
        feasible=trial.verdict is not Verdict.INFEASIBLE and all(e <= 0 for e in over.values()),
        constraint_excess=over,
        container_s=sum(a.usage.wall_s for a in attempts if a.usage),
        notices=notices_of(trial, attempts),
        parent=(trial.parent or 0) if trial.role is Role.SEARCH else 0,
    )


def _mean(name: str, runs: Sequence[Mapping[str, Measurement]]) -> float | None:
    values = [m.value for run in runs if (m := run.get(name)) is not None and m.value is not None]
    return fmean(values) if values else None
