"""Progress for nobody: a program that reads the JSON at the end needs no lines."""

from __future__ import annotations

from nightlab.controller.model.trial import Phase
from nightlab.controller.report.view import StudyView, TrialView


class Silent:
    """Tells nothing."""

    def study_started(self, view: StudyView) -> None:
        """Tell nothing."""

    def update(self, view: StudyView) -> None:
        """Tell nothing."""

    def phase(self, number: int, attempt: int, phase: Phase, text: str) -> None:
        """Tell nothing."""

    def line(self, number: int, text: str) -> None:
        """Tell nothing."""

    def trial_ended(self, trial: TrialView) -> None:
        """Tell nothing."""

    def note(self, text: str) -> None:
        """Tell nothing."""

    def study_ended(self, view: StudyView) -> None:
        """Tell nothing."""

    def close(self) -> None:
        """Keep nothing open."""
