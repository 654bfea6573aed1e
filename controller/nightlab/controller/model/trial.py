"""A trial's specification, what its walk tells on the way, and its outcome.

The walk of a trial takes a TrialSpec and returns a TrialOutcome; it knows nothing of the study, the policy or where
it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from nightlab.controller.model.change import Drift, Fix
from nightlab.controller.model.score import Measurement
from nightlab.controller.model.tree import Tree

ACTION_AUTHOR: Final = "action:"
"""What an edit's author begins with where an action made it."""


class Role(StrEnum):
    """Why a trial is run."""

    BASELINE = "baseline"
    SEARCH = "search"
    CONFIRM = "confirm"


class Phase(StrEnum):
    """How far an attempt has come. Each is written before the step that it names begins."""

    PLANNED = "planned"
    SPAWNING = "spawning"
    SMOKING = "smoking"
    SEALING = "sealing"
    GATING = "gating"
    RUNNING = "running"
    COLLECTING = "collecting"
    ENDED = "ended"


class Ending(StrEnum):
    """How an attempt ended, before anyone judged it."""

    FINISHED = "finished"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    STOPPED = "stopped"
    GATE_REJECTED = "gate rejected"
    NOT_AS_SEALED = "not as sealed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ActionCall:
    """An action with its arguments.

    Attributes:
        plugin: Name of the plugin.
        action: Name of the action.
        arguments: By parameter name; JSON values.
        schema_digest: Of the parameter schema the arguments were made for; sha256 hex, first 12 characters.
    """

    plugin: str
    action: str
    arguments: Mapping[str, object]
    schema_digest: str

    @property
    def author(self) -> str:
        """The author of the edits it makes."""
        return f"{ACTION_AUTHOR}{self.plugin}/{self.action}"


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """All that a walk needs to know, decided before it begins.

    Attributes:
        study_id: Short and lowercase; part of container names.
        number: Unique in the study, from 0.
        attempt: From 1; a retry after an infrastructure loss has the next.
        role: Why it is run.
        tree: The sealed tree; its contents are in the study's blob store.
        run_seed: Replaces the seed where the config says how; None leaves the script's own.
        argv: The training command, seed applied.
        env: The workload's whole environment, seed applied.
        cwd: Absolute, inside the container.
        changed_paths: Python files that differ from the base tree.
    """

    study_id: str
    number: int
    attempt: int
    role: Role
    tree: Tree
    run_seed: int | None
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    changed_paths: tuple[str, ...] = ()

    @property
    def container_name(self) -> str:
        """Deterministic, so that a second creation is refused by the engine."""
        return f"nightlab-{self.study_id}-t{self.number}-a{self.attempt}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnostic of the gate.

    Attributes:
        code: ruff's rule code, or "invalid-syntax".
        path: Relative to the tree.
        line: From 1.
        column: From 1, Unicode code points.
        message: ruff's text.
        end_line: From 1; 0 if not known.
        end_column: Just past the end.
        rule: The rule in a few words ("undefined-name").
        fix: What would mend it, where ruff or nightlab can tell.
        url: Of the rule's page.
    """

    code: str
    path: str
    line: int
    column: int
    message: str
    end_line: int = 0
    end_column: int = 0
    rule: str = ""
    fix: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class SmokeReport:
    """A short run of a tree before its real one.

    Attributes:
        ending: FINISHED also where it was ended at its time limit, as a smoke run of the whole command is.
        reason: One line when the ending is another.
        wall_s: From create to removal of its container.
        run_s: Of that, in the command.
        exit_code: Negative for a signal; None if the time limit or the machine ended it.
        peak_memory_bytes: As of `Usage`.
        peak_gpu_bytes: As of `Usage`.
        tail: The last lines that it printed, for its author.
    """

    ending: Ending
    reason: str = ""
    wall_s: float = 0.0
    run_s: float = 0.0
    exit_code: int | None = None
    peak_memory_bytes: int | None = None
    peak_gpu_bytes: int | None = None
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateReport:
    """What stood between the last edit and the launch.

    Attributes:
        blocking: New against the base tree; not empty means that nothing was launched.
        inherited: What the base tree had already.
        digest_outside: The sealed tree's digest, from the host.
        digest_inside: The same as read back inside; differs or is empty if nothing was launched.
        drift: Paths that were not as sealed inside and could not be put back, or were not after the run.
        target_version: ruff's target version, "py311".
        linted_files: How many files ruff read.
        target_source: Where that version is from: "the interpreter", "requires-python" or "nightlab".
        drifts: What wrote between the proposal and the launch, explained; rolled back ones cost nothing.
        shadowing: Files that the run added and that Python would import in place of what was sealed or installed.
        smoke: The smoke run; None without one.
        fixes: Fixes and formatters that the user wants, and what became of each.
        notes: Anything else for a person ("the repo's ruff config cannot be read: ...").
    """

    blocking: tuple[Finding, ...] = ()
    inherited: tuple[Finding, ...] = ()
    digest_outside: str = ""
    digest_inside: str = ""
    drift: tuple[str, ...] = ()
    target_version: str = ""
    linted_files: int = 0
    target_source: str = ""
    drifts: tuple[Drift, ...] = ()
    shadowing: tuple[str, ...] = ()
    smoke: SmokeReport | None = None
    fixes: tuple[Fix, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt cost, seen from outside the container.

    Attributes:
        wall_s: From create to removal.
        train_s: From launch to exit of the training command.
        peak_memory_bytes: Largest sampled anonymous plus shared memory above the supervisor's own.
        kernel_peak_bytes: The kernel's maximum, page cache included; None where it keeps none.
        max_rss_bytes: Largest single process, as the supervisor tells it.
        peak_gpu_bytes: By NVML; None without a GPU.
        cpu_s: Of the training command.
    """

    wall_s: float = 0.0
    train_s: float = 0.0
    peak_memory_bytes: int | None = None
    kernel_peak_bytes: int | None = None
    max_rss_bytes: int | None = None
    peak_gpu_bytes: int | None = None
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AuthoredEdit:
    """One edit of an author who worked on a draft, as it was recorded before anything could read it.

    Attributes:
        author: "agent", "agent:command", ...
        message: What was done.
        commit: Its id in the history.
        digest: Of the tree after it.
    """

    author: str
    message: str
    commit: str
    digest: str


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What a walk found out. Judging it belongs to scoring and the study.

    Attributes:
        ending: How the attempt ended.
        exit_code: Of the training command; negative for a signal; None if it was never launched.
        measurements: One per objective and constraint.
        gate: What the gate saw.
        usage: What it cost.
        posture: Settings in effect, as inspected: {"level": "standard", "runtime": "runc", ...}.
        reason: One line for a person when the ending is not FINISHED.
        log_path: The output on the host, relative to the state directory.
        added_importable: Files the run added that a later import could pick up.
        outputs: Declared outputs that were taken out, path -> bytes.
        tree: What was sealed, where an author worked on a draft of the spec's tree; else None.
        edits: Of that author, in order.
    """

    ending: Ending
    exit_code: int | None
    measurements: tuple[Measurement, ...]
    gate: GateReport
    usage: Usage
    posture: Mapping[str, str]
    reason: str = ""
    log_path: str = ""
    added_importable: tuple[str, ...] = ()
    outputs: Mapping[str, int] = field(default_factory=dict)
    tree: Tree | None = None
    edits: tuple[AuthoredEdit, ...] = ()
