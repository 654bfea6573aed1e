"""Decides what is handed over in the morning: the winning tree, step by step, with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from nightlab.controller.errors import StoreError
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ACTION_AUTHOR
from nightlab.controller.repo.export import BranchExport, ExportStep, PatchExport, Provenance
from nightlab.controller.repo.snapshot import BaseTree
from nightlab.controller.report.view import StudyView, TrialView
from nightlab.controller.store import EditRecord, Store, StudyRecord


def base_tree(store: Store, study: StudyRecord) -> BaseTree:
    """Return the base tree as it was taken when the study began."""
    tree = store.tree(study.base_digest or "")
    return BaseTree(tree, study.head, study.branch, study.dirty, study.is_git, study.nested)


def chosen_trial(view: StudyView, number: int | None) -> TrialView:
    """Return the trial to hand over: the one asked for, else the confirmed winner.

    Raises:
        StoreError: There is no winner, or no such trial with a tree of its own.
    """
    if number is None and view.best is None:
        raise StoreError(
            f"study {view.id} has no confirmed gain, so there is nothing to hand over",
            hint="name a trial with --trial NUMBER to hand it over all the same",
        )
    wanted = view.best.number if number is None and view.best is not None else number
    trial = view.trial(wanted) if wanted is not None else None
    if trial is None or not trial.tree_digest or not trial.actions:
        raise StoreError(f"trial {wanted} changed nothing", hint="`nightlab trial list` shows the trials")
    return trial


def steps_of(store: Store, view: StudyView, trial: TrialView) -> list[ExportStep]:
    """Return the trial's edits in order, each with its author."""
    edits = store.edits(view.id, trial.number)
    verdict = trial.verdict.value if trial.verdict is not None else "not judged"
    return [
        ExportStep(
            store.tree(edit.tree_digest),
            edit.author,
            _subject(trial, edit, edits),
            {"Nightlab-Change": edit.summary or edit.author, "Nightlab-Verdict": verdict},
        )
        for edit in edits
    ]


def _subject(trial: TrialView, edit: EditRecord, edits: Sequence[EditRecord]) -> str:
    """Say what a commit changes: its own action's arguments where the tree has several actions."""
    actions = trial.actions if len(trial.actions) > 1 else ()
    own = next((action for action in actions if edit.author == f"{ACTION_AUTHOR}{action.name}"), None)
    if own is None:
        return f"nightlab: {', '.join(short_names(trial)) or edits[-1].summary}"
    names = _shortened([argument.name for argument in own.changed])
    return f"nightlab: {own.name}{': ' if names else ''}{', '.join(names)}"


def short_names(trial: TrialView, limit: int = 3) -> list[str]:
    """Return the names of what a trial changed, without their files, the first few of many."""
    return _shortened([argument.name for argument in trial.changed], limit)


def _shortened(full: Sequence[str], limit: int = 3) -> list[str]:
    names = [name.rpartition(":")[2] for name in full]
    return names if len(names) <= limit else [*names[:limit], f"{len(names) - limit} more"]


def provenance_of(view: StudyView, trial: TrialView) -> Provenance:
    """Return where the trial's tree comes from and what it was worth."""
    first = view.first
    score = trial.score(first.name)
    before = view.baseline.means.get(first.name, float("nan")) if view.baseline else float("nan")
    is_best = view.best is not None and view.best.number == trial.number
    after = view.best.mean if is_best and view.best is not None else (score.value if score else None)
    floor = view.floor(first.name)
    return Provenance(
        study=view.id,
        trial=trial.number,
        objective=f"{first.name} {first.unit}".strip(),
        before=before,
        after=float("nan") if after is None else after,
        noise_floor=floor.threshold if floor else None,
        tree_digest=trial.tree_digest,
        image_id=view.image_id,
    )


def how_to_take_over(made: BranchExport) -> str:
    """Say which command brings a branch's edits into the clone; what is uncommitted there already is left alone."""
    if not made.has_base_commit:
        return f"git merge {made.branch} takes it over"
    edits = f"{made.branch}~{len(made.commits) - 1}..{made.branch}"
    return f"git cherry-pick {edits} takes it over; the commit before holds what was uncommitted when the study began"


def how_to_apply(made: PatchExport) -> str:
    """Say which command applies a series of patches."""
    if not made.has_base_patch:
        return "git am --keep-cr applies them"
    return f"git am --keep-cr applies them; {made.files[0].name} holds what was uncommitted when the study began"


def exported_at(view: StudyView) -> datetime:
    """Return the time that exported commits bear: the study's end, so that a second export makes the same ones."""
    return datetime.fromtimestamp(view.ended_at_unix_s or view.started_at_unix_s, UTC).replace(microsecond=0)


def is_confirmed(trial: TrialView) -> bool:
    """Say whether a trial's gain was confirmed."""
    return trial.verdict is Verdict.KEEP
