"""The one picture of a study that every surface renders from: tables, live view, HTML, Markdown and JSON.

Values only. Filling them from the store belongs to the study; wording belongs to `report.words` and `report.headline`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final

from nightlab.controller.model.score import Direction, NoiseFloor, Trust, Verdict
from nightlab.controller.model.trial import GateReport, Phase, Role
from nightlab.controller.report.action_view import PluginView, TallyView
from nightlab.controller.report.gate_view import ProofView, QuarantineView

FAILURES: Final = frozenset({Verdict.CRASH, Verdict.INFEASIBLE, Verdict.VOID, Verdict.LOST, Verdict.REJECTED})
LEDGER_ORDER: Final = (
    "useful",
    "confirm",
    "smoke",
    "pruned",
    "crash",
    "infeasible",
    "void",
    "lost",
    "overhead",
    "idle",
)


class StudyState(StrEnum):
    """How far a study has come."""

    PREPARING = "preparing"
    RUNNING = "running"
    DRAINING = "draining"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class ObjectiveView:
    """An objective as the config has it. `unit` "bytes" and "s" are scaled for people, any other is shown as it is."""

    name: str
    direction: Direction
    unit: str = ""
    min_effect: float = 0.0


@dataclass(frozen=True, slots=True)
class ConstraintView:
    """A bound as the config has it; one of `min` and `max` is set, in `unit`."""

    name: str
    unit: str = ""
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class ArgumentView:
    """One argument of an action; `before` is what the base tree has, None where it has none."""

    name: str
    before: object
    after: object

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the base; 1 and 1.0 and True are three different values."""
        return type(self.before) is not type(self.after) or self.before != self.after


@dataclass(frozen=True, slots=True)
class ActionView:
    """An applied action with all of its arguments; `summary` is the plugin's own line (untrusted)."""

    plugin: str
    action: str
    arguments: tuple[ArgumentView, ...] = ()
    summary: str = ""

    @property
    def name(self) -> str:
        """As the config writes it."""
        return f"{self.plugin}/{self.action}"

    @property
    def changed(self) -> tuple[ArgumentView, ...]:
        """Arguments that differ from the base."""
        return tuple(argument for argument in self.arguments if argument.is_changed)


@dataclass(frozen=True, slots=True)
class ScoreView:
    """One objective of one trial.

    Attributes:
        name: The objective's.
        value: In `unit`; None if the run did not yield it.
        trust: How it was measured.
        source: Where, in words.
        gain: Against the baseline's mean, in `unit`, above 0 is better whatever the direction; None if unknown.
        unit: The objective's.
    """

    name: str
    value: float | None
    trust: Trust
    source: str = ""
    gain: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class BoundView:
    """One constraint of one trial; `is_kept` is None when the run did not yield the value."""

    name: str
    value: float | None
    trust: Trust
    source: str = ""
    unit: str = ""
    is_kept: bool | None = None


@dataclass(frozen=True, slots=True)
class TrialView:
    """One trial.

    Attributes:
        number: From 0.
        parent: Trial whose tree it started from; None for the base tree.
        repeats: Trial whose tree it runs again on another seed (confirmations, baselines after the first).
        role: Why it was run.
        verdict: None while it is not judged.
        phase: Of its latest attempt.
        reason: One line on why this verdict.
        signature: Normalized failure that groups like with like; empty: made from `reason`.
        actions: In the order applied.
        scores: One per objective.
        bounds: One per constraint.
        tree_digest: Hex of the sealed tree.
        commit_id: In the host-owned history.
        image_id: Of the container it ran in.
        posture: Isolation in effect, {"level": "standard", ...}.
        slot: Which place of the engine it held, from 0; None: found from the times.
        started_at_unix_s: First attempt's spawn; None if it never had a container.
        ended_at_unix_s: None while it runs.
        wall_s: Container time over all attempts.
        train_s: Of the training command, last attempt.
        peak_memory_bytes: Sampled anonymous plus shared memory.
        kernel_peak_bytes: The kernel's maximum, page cache included.
        peak_gpu_bytes: By NVML.
        attempts: Containers started for it.
        exit_code: Of the training command; negative for a signal; None if it was never launched.
        run_seed: None: the script's own.
        diff: Unified diff against the base tree (untrusted text).
        log_excerpt: Last lines of output (untrusted text).
        gate: What the gate saw; None if it never came so far.
        added_importable: Files the run left in the workspace that a later import could pick up (untrusted names).
    """

    number: int
    role: Role
    verdict: Verdict | None = None
    parent: int | None = None
    repeats: int | None = None
    phase: Phase = Phase.ENDED
    reason: str = ""
    signature: str = ""
    actions: tuple[ActionView, ...] = ()
    scores: tuple[ScoreView, ...] = ()
    bounds: tuple[BoundView, ...] = ()
    tree_digest: str = ""
    commit_id: str = ""
    image_id: str = ""
    posture: Mapping[str, str] = field(default_factory=dict)
    slot: int | None = None
    started_at_unix_s: float | None = None
    ended_at_unix_s: float | None = None
    wall_s: float = 0.0
    train_s: float = 0.0
    peak_memory_bytes: int | None = None
    kernel_peak_bytes: int | None = None
    peak_gpu_bytes: int | None = None
    attempts: int = 1
    exit_code: int | None = None
    run_seed: int | None = None
    diff: str = ""
    log_excerpt: str = ""
    gate: GateReport | None = None
    added_importable: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[ArgumentView, ...]:
        """Arguments of all actions that differ from the base."""
        return tuple(argument for action in self.actions for argument in action.changed)

    @property
    def is_running(self) -> bool:
        """Whether it has a container now."""
        return self.verdict is None and self.started_at_unix_s is not None and self.ended_at_unix_s is None

    @property
    def is_feasible(self) -> bool:
        """Whether it ran to a score within all bounds."""
        failed = self.verdict is not None and self.verdict in FAILURES
        return not failed and all(bound.is_kept is not False for bound in self.bounds)

    def score(self, name: str) -> ScoreView | None:
        """Return the score of one objective, if the trial has one."""
        return next((score for score in self.scores if score.name == name), None)


@dataclass(frozen=True, slots=True)
class BaselineView:
    """Means over the baseline's repeats: objective name -> value in its unit; memory in bytes, time in seconds."""

    means: Mapping[str, float]
    repeats: int
    peak_memory_bytes: int | None = None
    train_s: float | None = None


@dataclass(frozen=True, slots=True)
class BestView:
    """The confirmed winner.

    Attributes:
        number: The trial whose tree won.
        mean: First objective over all runs of that tree, in its unit.
        gain: Against the baseline's mean, in that unit, above 0 is better.
        low: Lower end of the gain's confidence interval; None if not known.
        high: Upper end.
        runs: How many runs of the winning tree `mean` rests on.
        reason: The keep rule's own words.
    """

    number: int
    mean: float
    gain: float
    low: float | None
    high: float | None
    runs: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Where container time went: one of LEDGER_ORDER, its seconds, and how many trials spent them."""

    category: str
    seconds: float
    trials: int = 0


@dataclass(frozen=True, slots=True)
class StudyView:
    """A whole study.

    Attributes:
        id: Short and lowercase.
        name: From the config.
        repo: Where the base tree came from.
        state: How far it has come.
        state_reason: Why it stopped, in one line; empty for a plain end.
        started_at_unix_s: When the study began.
        ended_at_unix_s: None while it runs; then `now_unix_s` bounds it.
        now_unix_s: When this view was made.
        slots: Trials that could run at a time.
        config: What a reader needs of the config, in order: {"train": "python train.py", ...}.
        budget_trials: Search trials that the budget allows.
        budget_wall_s: Wall time that the budget allows.
        ran_s: How long it ran, over all of its sittings; None: from start to end without a break.
        base_digest: Hex of the base tree.
        head: Commit that the repo was on; empty if it had none.
        is_dirty: Whether the base tree differs from `head`.
        image_id: Of every trial.
        posture: Isolation in effect.
        objectives: The first decides keeps.
        constraints: Bounds.
        floors: Noise floor of each objective; may lack some.
        baseline: None until a baseline run has a score.
        best: None without a confirmed gain.
        pareto: Non-dominated trials over all objectives.
        ledger: Sums to wall time x slots.
        trials: By number.
        notes: One line each, oldest first.
        quarantined: Authors that were caught, in this study or an earlier one of the repo.
        proofs: Paired smoke runs, oldest first.
        tallies: What each action that was tried has won, the one that gained most first.
        plugins: Who takes part or was left out, by name.
    """

    id: str
    name: str
    repo: str
    state: StudyState
    started_at_unix_s: float
    now_unix_s: float
    objectives: tuple[ObjectiveView, ...]
    ended_at_unix_s: float | None = None
    state_reason: str = ""
    slots: int = 1
    config: Mapping[str, str] = field(default_factory=dict)
    budget_trials: int = 0
    budget_wall_s: float = 0.0
    ran_s: float | None = None
    base_digest: str = ""
    head: str = ""
    is_dirty: bool = False
    image_id: str = ""
    posture: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[ConstraintView, ...] = ()
    floors: tuple[NoiseFloor, ...] = ()
    baseline: BaselineView | None = None
    best: BestView | None = None
    pareto: tuple[int, ...] = ()
    ledger: tuple[LedgerRow, ...] = ()
    trials: tuple[TrialView, ...] = ()
    notes: tuple[str, ...] = ()
    quarantined: tuple[QuarantineView, ...] = ()
    proofs: tuple[ProofView, ...] = ()
    tallies: tuple[TallyView, ...] = ()
    plugins: tuple[PluginView, ...] = ()

    @property
    def wall_s(self) -> float:
        """From start to end, or to now."""
        end = self.now_unix_s if self.ended_at_unix_s is None else self.ended_at_unix_s
        return max(0.0, end - self.started_at_unix_s)

    @property
    def night_s(self) -> float:
        """How long it ran; a study that was resumed did not run between its sittings."""
        return self.wall_s if self.ran_s is None else self.ran_s

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (StudyState.FINISHED, StudyState.STOPPED, StudyState.INTERRUPTED)

    @property
    def first(self) -> ObjectiveView:
        """The objective that decides keeps."""
        return self.objectives[0]

    @property
    def ledger_rows(self) -> tuple[LedgerRow, ...]:
        """The ledger in the order of LEDGER_ORDER."""
        order = {category: at for at, category in enumerate(LEDGER_ORDER)}
        return tuple(sorted(self.ledger, key=lambda row: order.get(row.category, len(order))))

    def floor(self, name: str) -> NoiseFloor | None:
        """Return the noise floor of an objective, if there is one."""
        return next((floor for floor in self.floors if floor.name == name), None)

    def trial(self, number: int) -> TrialView | None:
        """Return a trial by its number."""
        return next((trial for trial in self.trials if trial.number == number), None)

    def by_role(self, role: Role) -> tuple[TrialView, ...]:
        """Return the trials of one role."""
        return tuple(trial for trial in self.trials if trial.role is role)


def to_json(value: object) -> Any:
    """Turn a view, or any part or tuple of one, into what `json.dumps(..., allow_nan=False)` takes.

    Field names stay as they are and carry their unit; enums become their value; a number that is not finite becomes
    None, because JSON has none such. Text stays as it is: dump with ensure_ascii, and control characters are escaped.

    Raises:
        TypeError: Something in it is no JSON value.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Set):
        return sorted(to_json(item) for item in value)
    raise TypeError(f"a {type(value).__name__} in a report has no JSON form")
