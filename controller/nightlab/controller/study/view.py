"""Fills the report's picture of a study from the store. Reads only; deciding anything belongs to `study.judge`."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nightlab.controller.config.schema import Config
from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.model.score import Measurement, NoiseFloor
from nightlab.controller.model.trial import ActionCall, Phase, Role
from nightlab.controller.repo.history import History
from nightlab.controller.report import view
from nightlab.controller.report.gate_view import ProofView, QuarantineView
from nightlab.controller.report.silent import Silent
from nightlab.controller.scoring.scan import screen_line
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
from nightlab.controller.study.figures import (
    baseline_means,
    baseline_of,
    best_of,
    bound_of,
    front_of,
    ledger_of,
    score_of,
)
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.tally import plugins_of, tallies_of

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
            baseline=baseline_of(views, means),
            best=best_of(record, config, trials, measured, means),
            pareto=front_of(config, views),
            ledger=ledger_of(record, trials, attempts),
            trials=views,
            notes=tuple(event.text.partition("\n")[0] for event in self._store.events(study_id) if event.text),
            quarantined=tuple(_quarantined(record, study_id) for record in self._store.quarantined()),
            proofs=tuple(_proof(record) for record in self._store.proofs(study_id)),
            tallies=tallies_of(trials, attempts, means.get(config.objectives[0].name)),
            plugins=plugins_of(self._store.plugins(study_id)),
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
            scores=tuple(score_of(o, measured.get(o.name), means) for o in config.objectives),
            bounds=tuple(bound_of(c, measured.get(c.name)) for c in config.constraints),
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
