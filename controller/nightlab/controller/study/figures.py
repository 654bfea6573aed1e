"""Fills the figures of a study's picture from its rows: means, scores, the best, the front, where the time went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from nightlab.controller.config.schema import Config, Constraint, Objective
from nightlab.controller.model.score import Measurement, Trust, Verdict
from nightlab.controller.model.trial import Ending, Role
from nightlab.controller.report import view
from nightlab.controller.scoring.ledger import Spent, category_of, ledger
from nightlab.controller.scoring.pareto import Scored, pareto_front
from nightlab.controller.scoring.verdict import gain_over
from nightlab.controller.store import AttemptRecord, StudyRecord, TrialRecord
from nightlab.controller.study.judge import values_of
from nightlab.controller.study.past import excess, runs_by_tree


def baseline_means(
    config: Config, trials: Sequence[TrialRecord], measured: Mapping[int, Mapping[str, Measurement]]
) -> dict[str, float]:
    """Return the mean of each objective over the baselines that have a value."""
    numbers = [t.number for t in trials if t.role is Role.BASELINE and t.verdict is Verdict.BASELINE]
    found = {o.name: values_of(o.name, numbers, measured) for o in config.objectives}
    return {name: fmean(values) for name, values in found.items() if values}


def score_of(objective: Objective, found: Measurement | None, means: Mapping[str, float]) -> view.ScoreView:
    """Return one objective of a trial, with its gain against the baseline."""
    if found is None:
        return view.ScoreView(objective.name, None, Trust.REPORTED, "not measured", None, objective.unit)
    mean = means.get(objective.name)
    gain = None if found.value is None or mean is None else gain_over(objective.direction, found.value, mean)
    return view.ScoreView(objective.name, found.value, found.trust, found.source, gain, objective.unit)


def bound_of(constraint: Constraint, found: Measurement | None) -> view.BoundView:
    """Return one constraint of a trial."""
    if found is None:
        return view.BoundView(constraint.name, None, Trust.REPORTED, "not measured", constraint.unit)
    over = excess(constraint, found.value)
    kept = None if over is None else over <= 0
    return view.BoundView(constraint.name, found.value, found.trust, found.source, constraint.unit, kept)


def baseline_of(views: Sequence[view.TrialView], means: Mapping[str, float]) -> view.BaselineView | None:
    """Return the means over the baseline runs that were scored; None without any."""
    runs = [v for v in views if v.role is Role.BASELINE and v.verdict is Verdict.BASELINE]
    if not runs:
        return None
    peaks = [v.peak_memory_bytes for v in runs if v.peak_memory_bytes is not None]
    peak = round(fmean(peaks)) if peaks else None
    return view.BaselineView(means, len(runs), peak, fmean(v.train_s for v in runs))


def best_of(
    record: StudyRecord,
    config: Config,
    trials: Sequence[TrialRecord],
    measured: Mapping[int, Mapping[str, Measurement]],
    means: Mapping[str, float],
) -> view.BestView | None:
    """Return the incumbent if it is a kept trial; its mean is over its confirmations, not over the lucky run."""
    first = config.objectives[0]
    trial = next((t for t in trials if t.number == record.incumbent and t.verdict is Verdict.KEEP), None)
    if trial is None or first.name not in means:
        return None
    confirmed = [n for n in runs_by_tree(trials)[trial.number] if n != trial.number]
    values = values_of(first.name, confirmed, measured)
    mean = fmean(values)
    gain = gain_over(first.direction, mean, means[first.name])
    shift = gain - (trial.gain or 0.0)  # the stored interval is against the incumbent of its day
    low = None if trial.gain_low is None else trial.gain_low + shift
    high = None if trial.gain_high is None else trial.gain_high + shift
    return view.BestView(trial.number, mean, gain, low, high, len(values), trial.reason)


def front_of(config: Config, views: Sequence[view.TrialView]) -> tuple[int, ...]:
    """Return the trials that nothing beats in all objectives."""
    scored = [
        Scored(v.number, {s.name: s.value for s in v.scores if s.value is not None}, v.is_feasible)
        for v in views
        if v.role is not Role.CONFIRM and v.verdict not in (None, Verdict.DUPLICATE)
    ]
    return tuple(item.number for item in pareto_front(scored, config.objectives))


def ledger_of(
    record: StudyRecord, trials: Sequence[TrialRecord], attempts: Mapping[int, Sequence[AttemptRecord]]
) -> tuple[view.LedgerRow, ...]:
    """Return where container time went; sums to the time that the slots had."""
    by_number = {trial.number: trial for trial in trials}
    spent = [
        Spent(
            by_number[a.number].role,
            Verdict.LOST if a.ending in (Ending.LOST, Ending.STOPPED) else by_number[a.number].verdict,
            a.usage.wall_s,
            a.usage.train_s,
            a.gate.smoke.wall_s if a.gate and a.gate.smoke else 0.0,
        )
        for group in attempts.values()
        for a in group
        if a.usage
    ]
    preparing = Spent(Role.BASELINE, None, record.prepared_s * record.slots, 0.0)
    sums = ledger([preparing, *spent], record.spent_s, record.slots)
    counts = Counter(category_of(row) for row in spent)
    return tuple(view.LedgerRow(category.value, seconds, counts[category]) for category, seconds in sums.items())
