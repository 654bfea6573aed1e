"""Counts which action won what: trials, keeps, gains and container time of each action that was tried."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.report.action_view import PluginView, TallyView
from nightlab.controller.search.recipe import ActionName
from nightlab.controller.store import AttemptRecord, PluginRecord, TrialRecord

LEAST_S: Final = 1.0


def tallies_of(
    trials: Sequence[TrialRecord], attempts: Mapping[int, Sequence[AttemptRecord]], base: float | None
) -> tuple[TallyView, ...]:
    """Count every action that some search trial was made for, the one that gained most first.

    Args:
        trials: Of the study, by number.
        attempts: By trial.
        base: The baseline's mean of the first objective.
    """
    own: dict[ActionName, list[TrialRecord]] = {}
    for trial in trials:
        if trial.role is Role.SEARCH and trial.call is not None:
            own.setdefault((trial.call.plugin, trial.call.action), []).append(trial)
    spent = _spent_s(trials, attempts)
    found = [_tally(name, made, spent, base) for name, made in own.items()]
    return tuple(sorted(found, key=lambda tally: (-tally.gain, -tally.kept)))


def plugins_of(records: Sequence[PluginRecord]) -> tuple[PluginView, ...]:
    """Return the plugins of a study by name."""
    found = (PluginView(record.plugin, record.version, record.digest, record.stopped) for record in records)
    return tuple(sorted(found, key=lambda plugin: plugin.name))


def _tally(name: ActionName, made: Sequence[TrialRecord], spent: Mapping[int, float], base: float | None) -> TallyView:
    gains = {t.number: t.gain for t in made if t.verdict is Verdict.KEEP and t.gain is not None}
    best = max(gains, key=lambda number: gains[number], default=None)
    seconds = math.fsum(spent.get(trial.number, 0.0) for trial in made)
    gain = math.fsum(gains.values())
    return TallyView(
        *name,
        trials=len(made),
        kept=sum(trial.verdict is Verdict.KEEP for trial in made),
        best_trial=best,
        best_gain=None if best is None else gains[best],
        best_gain_percent=None if best is None or not base else 100 * gains[best] / abs(base),
        gain=gain,
        container_s=seconds,
        gain_per_container_min=60 * gain / max(seconds, LEAST_S) if seconds else None,
        outcomes=Counter(trial.verdict.value for trial in made if trial.verdict is not None),
    )


def _spent_s(trials: Sequence[TrialRecord], attempts: Mapping[int, Sequence[AttemptRecord]]) -> Mapping[int, float]:
    """Return container seconds by search trial, the runs that confirmed or refused it with it."""
    sums: dict[int, float] = {}
    for trial in trials:
        number = trial.subject if trial.role is Role.CONFIRM else trial.number
        if number is not None:
            seconds = math.fsum(a.usage.wall_s for a in attempts.get(trial.number, ()) if a.usage)
            sums[number] = sums.get(number, 0.0) + seconds
    return sums
