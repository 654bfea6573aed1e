"""Rows of the store as frozen values, the form in which every other module meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nightlab.controller.model.change import Fix
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
        canonical: Digest of what was proposed, comments and format aside; None where nothing was.
        fixes: Fixes and formatters that the user wants, and what became of each on this tree.
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
    canonical: str | None = None
    fixes: tuple[Fix, ...] = ()


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


class ProofKind(StrEnum):
    """What a proof is to find out."""

    TRIAL = "trial"
    FIX = "fix"
    DRIFT = "drift"


class ProofState(StrEnum):
    """How far a proof has come. PROVEN has its result, SETTLED also what follows from it; CLOSED never got one."""

    OPEN = "open"
    PROVEN = "proven"
    SETTLED = "settled"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ProofRecord:
    """Paired smoke runs of two trees: do they do the same, and if not, which change is guilty.

    Attributes:
        kind: TRIAL: a let-through fix may have spoilt it. FIX: a held-back fix waits for it. DRIFT: what would the
            change have done that was rolled back.
        before_digest: The tree without the change.
        after_digest: The tree with it.
        trial: Where it came up.
        run_seed: Of the paired runs.
        fixes: What the second tree has and the first one has not, where it is fixes.
        subject: For a person: "ruff:F841 in train.py".
        differs: None: not known (yet).
        runs: Program runs that it took.
        guilty: Authors whose changes make the difference.
        hunks: The smallest guilty change as a diff.
        evidence: What differed, or how much was compared.
        wall_s: How long it took.
    """

    study_id: str
    number: int
    kind: ProofKind
    state: ProofState
    before_digest: str
    after_digest: str
    created_unix_ms: int
    trial: int | None = None
    run_seed: int | None = None
    fixes: tuple[Fix, ...] = ()
    subject: str = ""
    begun_unix_ms: int | None = None
    ended_unix_ms: int | None = None
    differs: bool | None = None
    runs: int = 0
    guilty: tuple[str, ...] = ()
    hunks: str = ""
    evidence: str = ""
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A fix that paired smoke runs let through: its author, its file and what it changes there."""

    study_id: str
    author: str
    path: str
    digest: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QuarantineRecord:
    """An author whose fixes are not made any more in this repo, and what it cost.

    Attributes:
        study_id: Of the study in which it was caught.
        trial: On which it was caught.
        evidence: What it changed in what the program does.
        hunks: The guilty change as a diff.
        lost_s: Container seconds of the attempts on trees that carried it.
    """

    author: str
    study_id: str
    trial: int
    at_unix_ms: int
    evidence: str = ""
    hunks: str = ""
    lost_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """A plugin as a study has it.

    Attributes:
        version: As it says of itself; untrusted.
        digest: What it is made of; empty where nothing names it.
        stopped: Why it is left out; empty while it is asked.
        state: Its own bytes, handed back with every call.
        told: Trials whose outcome is folded into `state`.
    """

    study_id: str
    plugin: str
    version: str = ""
    digest: str = ""
    stopped: str = ""
    state: bytes = b""
    told: tuple[int, ...] = ()


Measurements = Mapping[str, Measurement]
