"""Fills the report's picture of a study from the store. Reads only; deciding anything belongs to `study.judge`."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

from nightlab.controller.config.schema import Config, Constraint, Objective
from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.model.score import Measurement, NoiseFloor, Trust, Verdict
from nightlab.controller.model.trial import ActionCall, Ending, Phase, Role
from nightlab.controller.repo.history import History
from nightlab.controller.report import view
from nightlab.controller.report.gate_view import ProofView, QuarantineView
from nightlab.controller.report.silent import Silent
from nightlab.controller.scoring.ledger import Spent, category_of, ledger
from nightlab.controller.scoring.pareto import Scored, pareto_front
from nightlab.controller.scoring.scan import screen_line
from nightlab.controller.scoring.verdict import gain_over
from nightlab.controller.search.recipe import Recipe, Recipes, in_order
from nightlab.controller.store import (
    AttemptRecord,
    ProofRecord,
    ProofState,
    QuarantineRecord,
    Store,
    StudyRecord,
    TrialRecord,
    holder_pid,
)
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.judge import Judge, values_of
from nightlab.controller.study.past import excess, runs_by_tree
from nightlab.controller.study.scribe import Scribe

EXCERPT_BYTES: Final = 6000
DIFF_CHARS: Final = 40_000


class ViewBuilder:
    """Builds views of one study."""

    def __init__(self, store: Store, state: StateDir, history: History | None) -> None:
        self._store = store
        self._state = state
        self._history = history

    def study(self, study_id: str, *, with_details: bool = True) -> view.StudyView:
        """Return the whole study.

        Args:
            study_id: Which.
            with_details: Also read diffs and log excerpts, which costs a git call a trial.
        """
        record = self._store.study(study_id)
        config = Config.model_validate(record.config)
        trials = self._store.trials(study_id)
        attempts = _by_number(self._store.attempts(study_id))
        measured = self._store.measurements(study_id)
        means = baseline_means(config, trials, measured)
        recipes = Recipes(t for t in trials if t.role is Role.SEARCH)
        views = tuple(
            self._trial(
                record,
                config,
                trial,
                attempts.get(trial.number, []),
                measured.get(trial.number, {}),
                means,
                recipes.of(trial.number),
                with_details,
            )
            for trial in trials
        )
        return view.StudyView(
            id=record.id,
            name=record.name,
            repo=record.repo,
            state=self._study_state(record),
            state_reason=record.stop_reason,
            started_at_unix_s=record.created_unix_ms / 1000,
            now_unix_s=time.time(),
            ended_at_unix_s=record.ended_unix_ms / 1000 if record.ended_unix_ms else None,
            slots=record.slots,
            config=shown_config(config),
            budget_trials=config.budget.trials,
            budget_wall_s=config.budget.wall_time,
            ran_s=record.spent_s,
            base_digest=record.base_digest or "",
            head=record.head or "",
            is_dirty=bool(record.dirty),
            image_id=str((record.site or {}).get("image_id", "")),
            posture=next((a.posture for n in attempts.values() for a in n if a.posture), {}),
            objectives=tuple(view.ObjectiveView(o.name, o.direction, o.unit, o.min_effect) for o in config.objectives),
            constraints=tuple(view.ConstraintView(c.name, c.unit, c.min, c.max) for c in config.constraints),
            floors=self._floors(record, config),
            baseline=_baseline(views, means),
            best=_best(record, config, trials, measured, means),
            pareto=_front(config, views),
            ledger=_ledger(record, trials, attempts),
            trials=views,
            notes=tuple(event.text for event in self._store.events(study_id) if event.text),
            quarantined=tuple(_quarantined(record, study_id) for record in self._store.quarantined()),
            proofs=tuple(_proof(record) for record in self._store.proofs(study_id)),
        )

    def _study_state(self, record: StudyRecord) -> view.StudyState:
        state = view.StudyState(record.state)
        alive = state in (view.StudyState.RUNNING, view.StudyState.PREPARING)
        return view.StudyState.INTERRUPTED if alive and holder_pid(self._state.root) is None else state

    def _floors(self, record: StudyRecord, config: Config) -> tuple[NoiseFloor, ...]:
        return Judge(config, Scribe(self._store, record.id, self._state, Silent())).floors()

    def _trial(
        self,
        study: StudyRecord,
        config: Config,
        trial: TrialRecord,
        attempts: Sequence[AttemptRecord],
        measured: Mapping[str, Measurement],
        means: Mapping[str, float],
        recipe: Recipe,
        with_details: bool,
    ) -> view.TrialView:
        last = attempts[-1] if attempts else None
        usage = last.usage if last else None
        commit = self._commit(trial)
        return view.TrialView(
            number=trial.number,
            role=trial.role,
            verdict=trial.verdict,
            parent=trial.parent,
            repeats=trial.parent if trial.role is not Role.SEARCH else None,
            phase=last.phase if last else Phase.PLANNED,
            reason=trial.reason,
            actions=self._actions(study, trial, recipe),
            scores=tuple(_score(o, measured.get(o.name), means) for o in config.objectives),
            bounds=tuple(_bound(c, measured.get(c.name)) for c in config.constraints),
            tree_digest=trial.tree_digest or "",
            commit_id=commit,
            image_id=str((study.site or {}).get("image_id", "")),
            posture=(last.posture or {}) if last else {},
            slot=last.slot if last else None,
            started_at_unix_s=attempts[0].started_unix_ms / 1000 if attempts else None,
            ended_at_unix_s=last.ended_unix_ms / 1000 if last and last.ended_unix_ms else None,
            wall_s=sum(a.usage.wall_s for a in attempts if a.usage),
            train_s=usage.train_s if usage else 0.0,
            peak_memory_bytes=usage.peak_memory_bytes if usage else None,
            kernel_peak_bytes=usage.kernel_peak_bytes if usage else None,
            peak_gpu_bytes=usage.peak_gpu_bytes if usage else None,
            attempts=len(attempts),
            exit_code=last.exit_code if last else None,
            run_seed=trial.run_seed,
            diff=self._diff(study, trial, commit) if with_details else "",
            log_excerpt=log_tail(self._state.root / last.log_path) if with_details and last and last.log_path else "",
            gate=last.gate if last else None,
            added_importable=last.added_importable if last else (),
        )

    def _actions(self, study: StudyRecord, trial: TrialRecord, recipe: Recipe) -> tuple[view.ActionView, ...]:
        order = [(plugin, action) for plugin, _, action in (name.partition("/") for name in study.defaults)]
        said = {edit.author: edit.summary for edit in self._store.edits(study.id, trial.number)} if recipe else {}
        calls = [each.call for each in in_order(recipe, order)]
        own = trial.summary if len(calls) == 1 else ""
        return tuple(_action(call, study.defaults, said.get(call.author, own)) for call in calls)

    def _commit(self, trial: TrialRecord) -> str:
        edits = self._store.edits(trial.study_id, trial.number)
        return edits[-1].commit_id if edits else ""

    def _diff(self, study: StudyRecord, trial: TrialRecord, commit: str) -> str:
        base = self._store.edits(study.id, 0)
        if self._history is None or not commit or not base or commit == base[0].commit_id:
            return ""
        return self._history.diff(base[0].commit_id, commit)[:DIFF_CHARS]


def baseline_means(
    config: Config, trials: Sequence[TrialRecord], measured: Mapping[int, Mapping[str, Measurement]]
) -> dict[str, float]:
    """Return the mean of each objective over the baselines that have a value."""
    numbers = [t.number for t in trials if t.role is Role.BASELINE and t.verdict is Verdict.BASELINE]
    found = {o.name: values_of(o.name, numbers, measured) for o in config.objectives}
    return {name: fmean(values) for name, values in found.items() if values}


def shown_config(config: Config) -> dict[str, str]:
    """Return what a reader of the report needs of the config."""
    command = config.train.command
    return {
        "train": command if isinstance(command, str) else " ".join(command),
        "policy": config.search.policy,
        "actions": ", ".join(config.search.actions),
        "seed": f"{config.noise.seed.kind} {config.noise.seed.name}".strip(),
        "repeats": str(config.noise.repeats),
        "confirmations": str(config.noise.confirm),
        "timeout": show_seconds(config.train.timeout),
        "cpus": f"{config.train.cpus:g}",
        "memory": show_bytes(config.train.memory),
    }


def _action(call: ActionCall, defaults: Mapping[str, Mapping[str, object]], summary: str) -> view.ActionView:
    base = defaults.get(f"{call.plugin}/{call.action}", {})
    arguments = tuple(view.ArgumentView(name, base.get(name), value) for name, value in call.arguments.items())
    return view.ActionView(call.plugin, call.action, arguments, summary)


def _score(objective: Objective, found: Measurement | None, means: Mapping[str, float]) -> view.ScoreView:
    if found is None:
        return view.ScoreView(objective.name, None, Trust.REPORTED, "not measured", None, objective.unit)
    mean = means.get(objective.name)
    gain = None if found.value is None or mean is None else gain_over(objective.direction, found.value, mean)
    return view.ScoreView(objective.name, found.value, found.trust, found.source, gain, objective.unit)


def _bound(constraint: Constraint, found: Measurement | None) -> view.BoundView:
    if found is None:
        return view.BoundView(constraint.name, None, Trust.REPORTED, "not measured", constraint.unit)
    over = excess(constraint, found.value)
    kept = None if over is None else over <= 0
    return view.BoundView(constraint.name, found.value, found.trust, found.source, constraint.unit, kept)


def _baseline(views: Sequence[view.TrialView], means: Mapping[str, float]) -> view.BaselineView | None:
    runs = [v for v in views if v.role is Role.BASELINE and v.verdict is Verdict.BASELINE]
    if not runs:
        return None
    peaks = [v.peak_memory_bytes for v in runs if v.peak_memory_bytes is not None]
    peak = round(fmean(peaks)) if peaks else None
    return view.BaselineView(means, len(runs), peak, fmean(v.train_s for v in runs))


def _best(
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


def _front(config: Config, views: Sequence[view.TrialView]) -> tuple[int, ...]:
    scored = [
        Scored(v.number, {s.name: s.value for s in v.scores if s.value is not None}, v.is_feasible)
        for v in views
        if v.role is not Role.CONFIRM and v.verdict not in (None, Verdict.DUPLICATE)
    ]
    return tuple(item.number for item in pareto_front(scored, config.objectives))


def _ledger(
    record: StudyRecord, trials: Sequence[TrialRecord], attempts: Mapping[int, Sequence[AttemptRecord]]
) -> tuple[view.LedgerRow, ...]:
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


def _quarantined(record: QuarantineRecord, study_id: str) -> QuarantineView:
    trial = record.trial if record.study_id == study_id else None
    return QuarantineView(record.author, trial, record.evidence, record.hunks, record.lost_s)


def _proof(record: ProofRecord) -> ProofView:
    return ProofView(
        subject=record.subject or f"the {record.kind.value} of trial {record.trial}",
        trial=record.trial,
        is_ended=record.state is not ProofState.OPEN,
        differs=record.differs,
        evidence=record.evidence,
        guilty=record.guilty,
        hunks=record.hunks,
        runs=record.runs,
    )


def _by_number(attempts: Sequence[AttemptRecord]) -> dict[int, list[AttemptRecord]]:
    grouped: dict[int, list[AttemptRecord]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt.number, []).append(attempt)
    return grouped


def log_tail(path: Path, size: int = EXCERPT_BYTES) -> str:
    """Return the last whole lines of a log as a terminal leaves them, or nothing if there is none."""
    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            file.seek(max(0, length - size))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    whole = text if length <= size else re.split(r"[\r\n]", text, maxsplit=1)[-1]
    return "\n".join(screen_line(line) for line in whole.split("\n"))
