"""How a trial ended, as its action's plugin is told: status, what was measured, and the gain against its parent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.config.schema import Config
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Ending
from nightlab.controller.scoring.verdict import gain_over
from nightlab.controller.store import TrialRecord
from nightlab.controller.study.past import past_of
from nightlab.controller.study.scribe import Scribe

STATUS: Final[Mapping[Verdict, pb.OutcomeStatus]] = {
    Verdict.KEEP: pb.OUTCOME_STATUS_SUCCEEDED,
    Verdict.DISCARD: pb.OUTCOME_STATUS_SUCCEEDED,
    Verdict.NO_EFFECT: pb.OUTCOME_STATUS_SUCCEEDED,
    Verdict.CRASH: pb.OUTCOME_STATUS_FAILED,
    Verdict.REJECTED: pb.OUTCOME_STATUS_FAILED,
    Verdict.PRUNED: pb.OUTCOME_STATUS_PRUNED,
    Verdict.INFEASIBLE: pb.OUTCOME_STATUS_INFEASIBLE,
}
"""What is told. A duplicate ran before; what was void or lost says nothing of the action."""


def is_told(trial: TrialRecord) -> bool:
    """Whether a trial's end says something of its action."""
    return trial.verdict in STATUS


class Outcomes:
    """The outcomes of one study's trials, as of now."""

    def __init__(self, config: Config, scribe: Scribe, trials: Sequence[TrialRecord]) -> None:
        self._first = config.objectives[0]
        self._study_id = scribe.study_id
        self._trials = {trial.number: trial for trial in trials}
        self._measured = scribe.store.measurements(scribe.study_id)
        attempts = scribe.store.attempts(scribe.study_id)
        self._timed_out = {a.number for a in attempts if a.ending is Ending.TIMED_OUT}
        pasts = past_of(config, scribe, trials)
        self._values = {p.number: value for p in pasts if (value := p.values.get(self._first.name)) is not None}
        base = [self._values[p.number] for p in pasts if p.call is None and p.number in self._values]
        self._base = fmean(base) if base else None

    def of(self, number: int) -> pb.Outcome:
        """Return a told trial's outcome."""
        trial = self._trials[number]
        assert trial.call is not None
        assert trial.verdict is not None
        status = STATUS[trial.verdict]
        if trial.verdict is Verdict.CRASH and number in self._timed_out:
            status = pb.OUTCOME_STATUS_TIMED_OUT
        measured = {name: each.value for name, each in self._measured.get(number, {}).items()}
        return pb.Outcome(
            trial_id=f"{self._study_id}/{number}",
            action=trial.call.action,
            arguments_json=json.dumps(dict(trial.call.arguments), allow_nan=False),
            status=status,
            metrics={name: value for name, value in measured.items() if value is not None and math.isfinite(value)},
            baseline_delta=self._gain(trial),
        )

    def _gain(self, trial: TrialRecord) -> float:
        """Return the gain against the parent in the first objective; 0.0 where either has no score."""
        mine = self._values.get(trial.number)
        parent = self._values.get(trial.parent) if trial.parent else self._base
        if mine is None or parent is None or not math.isfinite(mine - parent):
            return 0.0
        return gain_over(self._first.direction, mine, parent)
