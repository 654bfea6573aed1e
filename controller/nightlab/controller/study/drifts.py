"""Tells what wrote between the proposal and the launch: an event, a commit that a person can look at, a proof.

The commit goes to a side ref of the host-owned history with its writer as author, on top of what had been proposed.
Whether a drift is rolled back was decided long before, by `trial`.
"""

from __future__ import annotations

from typing import Final

import structlog

from nightlab.controller.errors import NightlabError
from nightlab.controller.model.change import UNKNOWN, Drift, Effect
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import TrialOutcome
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.notices import drift_line
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.text import inert

log: Final = structlog.get_logger()
TOLD: Final = 20  # of one attempt; a repo in which everything writes needs no page for each file


class Drifts:
    """Tells the drifts of one study."""

    def __init__(self, scribe: Scribe, editor: Editor, redress: Redress) -> None:
        self._scribe = scribe
        self._editor = editor
        self._redress = redress

    def tell(self, trial: TrialRecord, attempt: AttemptRecord, outcome: TrialOutcome) -> None:
        """Write down what an attempt's gate saw, and ask what a rolled back change would have done."""
        for index, drift in enumerate(outcome.gate.drifts[:TOLD]):
            name = f"t{attempt.number}-a{attempt.attempt}-{index}"
            runs = self._scribe.store.tree(trial.run_digest or "")
            left = runs.with_changes(drift.written, drift.removed)
            commit = self._commit(trial, drift, left, name) if left.digest != runs.digest else ""
            text = f"trial {trial.number}: {inert(drift_line(drift), 400)}"
            self._scribe.note(
                "drift", text, trial.number, ref=f"refs/nightlab/drift/{trial.study_id}/{name}" if commit else ""
            )
            if commit and drift.is_rolled_back and drift.explanation.effect is Effect.BEHAVIOUR:
                subject = f"trial {trial.number} ({inert(drift.explanation.headline, 200)})"
                self._redress.ask_drift(trial.number, runs, left, trial.run_seed, subject)

    def _commit(self, trial: TrialRecord, drift: Drift, left: Tree, name: str) -> str:
        """Commit what was found, on top of what was proposed; that it cannot be shown later stops no night."""
        try:
            commit = self._editor.commit(
                left,
                parent=self._proposed(trial),
                author=_author(drift),
                message=drift.explanation.headline or "something changed",
                trailers={"Study": trial.study_id, "Trial": str(trial.number), "Where": drift.where.value},
            )
            self._editor.mark_drift(trial.study_id, name, commit)
        except (NightlabError, ValueError) as error:
            log.warning("drift.not_committed", number=trial.number, reason=str(error))
            return ""
        return commit

    def _proposed(self, trial: TrialRecord) -> str | None:
        """Return the commit of the trial's tree; a repeat has it from the trial that it repeats."""
        while not (edits := self._scribe.store.edits(trial.study_id, trial.number)):
            if trial.parent is None or trial.parent >= trial.number:
                return None
            trial = self._scribe.trial(trial.parent)
        return edits[-1].commit_id


def _author(drift: Drift) -> str:
    """Return one writer for git: the known tools, or unknown where anything is left that none of them makes."""
    known = [writer.author for writer in drift.explanation.writers]
    return inert(known[0], 200) if len(known) == 1 else UNKNOWN
