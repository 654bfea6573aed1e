"""Rows of the store as frozen values, the form in which every other module meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nightlab.controller.model.score import Measurement, Verdict
from nightlab.controller.model.trial import ActionCall, Ending, GateReport, Phase, Role, Usage


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """One study.

    Attributes:
        state: A `report.view.StudyState`.
        spent_s: How long it ran, over all sittings.
        prepared_s: Of that, before its trials could begin.
        is_git: Whether the repo is a clone.
        nested: Repos inside of it.
        site: `model.site.Site` as JSON; None until the image is ready.
        base_findings: What ruff finds in the base tree.
        defaults: Value of each parameter in the base tree, by action.
        incumbent: The trial whose tree is the best known.
    """

    id: str
    name: str
    repo: str
    state: str
    config: Mapping[str, Any]
    nightlab_version: str
    created_unix_ms: int
    ended_unix_ms: int | None = None
    spent_s: float = 0.0
    prepared_s: float = 0.0
    slots: int = 1
    base_digest: str | None = None
    head: str | None = None
    branch: str | None = None
    dirty: tuple[str, ...] = ()
    is_git: bool = False
    nested: tuple[str, ...] = ()
    site: Mapping[str, Any] | None = None
    engine: Mapping[str, Any] = field(default_factory=dict)
    base_findings: tuple[Mapping[str, Any], ...] | None = None
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    incumbent: int | None = None
    stop_reason: str = ""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    Attributes:
        parent: The trial whose tree it was made from; None for the first baseline.
        subject: For a confirmation, the trial whose gain it confirms.
        proposal: Why the policy chose it.
        summary: What the actions did, one line.
        tree_digest: Of the proposed tree; None until the edits are made.
        run_digest: Of the tree that runs; differs from tree_digest where a seed literal is set.
        verdict: None until judged.
        gain: In the first objective's unit, above 0 is better; low and high bound it where it was confirmed.
    """

    study_id: str
    number: int
    role: Role
    created_unix_ms: int
    parent: int | None = None
    subject: int | None = None
    call: ActionCall | None = None
    proposal: str = ""
    summary: str = ""
    tree_digest: str | None = None
    run_digest: str | None = None
    run_seed: int | None = None
    verdict: Verdict | None = None
    reason: str = ""
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    ended_unix_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt at a trial; `resources` is what it was given: cpuset, GPU ids."""

    study_id: str
    number: int
    attempt: int
    phase: Phase
    container: str
    started_unix_ms: int
    slot: int = 0
    resources: Mapping[str, Any] = field(default_factory=dict)
    launched_unix_ms: int | None = None
    ended_unix_ms: int | None = None
    ending: Ending | None = None
    exit_code: int | None = None
    reason: str = ""
    gate: GateReport | None = None
    usage: Usage | None = None
    posture: Mapping[str, str] | None = None
    log_path: str = ""
    outputs: Mapping[str, int] = field(default_factory=dict)
    added_importable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditRecord:
    """One edit of a trial, in order, with its author and its commit in the host-owned history."""

    study_id: str
    number: int
    ordinal: int
    author: str
    commit_id: str
    tree_digest: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something a person may want to know later, in the order it happened."""

    study_id: str
    at_unix_ms: int
    kind: str
    text: str = ""
    number: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


Measurements = Mapping[str, Measurement]
