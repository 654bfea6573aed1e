"""Tells a person how a study is getting on: the Progress seam, and one plain line per event for logs and pipes.

The live table for a terminal is `report.live`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, Final, Protocol

from nightlab.controller.model.trial import Phase
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.headline import gain_of, headline
from nightlab.controller.report.view import StudyView, TrialView
from nightlab.controller.report.words import (
    resolution_of,
    show_actions,
    show_change,
    show_quantity,
    verdict_word,
)

LINE_EVERY_S: Final = 15.0
NOTE_CHARS: Final = 400  # of each line of a note
_TOLD_PHASES: Final = frozenset({Phase.PLANNED, Phase.RUNNING})


class Progress(Protocol):
    """Receives a study's events in order. Texts need not be trusted. Calls may come from any thread."""

    def study_started(self, view: StudyView) -> None:
        """A study begins, or goes on after a restart."""

    def update(self, view: StudyView) -> None:
        """The study as a whole has changed: its noise floor is known, there is a new best."""

    def phase(self, number: int, attempt: int, phase: Phase, text: str) -> None:
        """A trial's attempt entered a phase; `text` says what it tries."""

    def line(self, number: int, text: str) -> None:
        """A trial's training printed a line worth showing."""

    def trial_ended(self, trial: TrialView) -> None:
        """A trial has its verdict."""

    def note(self, text: str) -> None:
        """Something a person should know."""

    def study_ended(self, view: StudyView) -> None:
        """Nothing more will happen."""

    def close(self) -> None:
        """Give the terminal back, however the study ended. May be called twice."""


class PlainProgress:
    """Writes one line per event, for a log file or a pipe.

    Args:
        out: Where to; flushed after each line.
        clock: Seconds; training lines are told at most every LINE_EVERY_S per trial.
    """

    def __init__(self, out: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._view: StudyView | None = None
        self._line_at: dict[int, float] = {}

    def study_started(self, view: StudyView) -> None:
        """Name the study and its budget."""
        self._view = view
        budget = f"{view.budget_trials} trials or {show_quantity(view.budget_wall_s, 's')}, {view.slots} at a time"
        self._write(f"study {view.id} of {view.repo}: {budget}")

    def update(self, view: StudyView) -> None:
        """Use the view's noise floor from here on; its best is told by its trial's end."""
        self._view = view

    def phase(self, number: int, attempt: int, phase: Phase, text: str) -> None:
        """Tell the two phases that a reader waits for: what is tried, and that it trains."""
        if phase in _TOLD_PHASES:
            again = f", attempt {attempt}" if attempt > 1 else ""
            self._write(f"trial {number}{again} {phase.value}" + (f": {text}" if text else ""))

    def line(self, number: int, text: str) -> None:
        """Tell a training line, unless one was told a moment ago."""
        now = self._clock()
        last = self._line_at.get(number)
        if last is None or now - last >= LINE_EVERY_S:
            self._line_at[number] = now
            self._write(f"trial {number} | {text}")

    def trial_ended(self, trial: TrialView) -> None:
        """Tell the verdict, the score and the gain."""
        self._line_at.pop(trial.number, None)
        self._write(ended_line(self._view, trial))

    def note(self, text: str) -> None:
        """Tell a note."""
        for line in note_lines(text):
            self._write(line)

    def study_ended(self, view: StudyView) -> None:
        """Tell the outcome."""
        said = headline(view)
        self._write(" ".join([said.title + ".", *said.details]))

    def close(self) -> None:
        """Keep nothing open."""

    def _write(self, text: str) -> None:
        encoding = (
            getattr(self._out, "encoding", None) or "utf-8"
        )  # a log file may be ASCII: an arrow must not end the night
        self._out.write(_inert(text, 600).encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._out.flush()


def note_lines(text: str) -> list[str]:
    """Write a note; the further lines of one, such as a diff's, are set in, so that they pass for nothing else."""
    first, *more = text.splitlines() or [""]
    return [f"note: {_inert(first, NOTE_CHARS)}", *(f"    {_inert(line, NOTE_CHARS)}" for line in more)]


def ended_line(view: StudyView | None, trial: TrialView) -> str:
    """Write a trial's end in one line: "trial 5 keep: val_bpb 2.2188 (gain +0.0526), 2.0 GiB, 6 min 55 s; ..."."""
    parts = [f"trial {trial.number} {verdict_word(trial)}: "]
    score = trial.scores[0] if trial.scores else None
    if score is not None and score.value is not None:
        resolution = resolution_of(view, score.name) if view is not None else None
        parts.append(f"{score.name} {show_quantity(score.value, score.unit, resolution=resolution)}")
        gain = gain_of(view, trial) if view is not None else score.gain
        parts.append(f" (gain {show_change(gain, resolution=resolution)}), " if gain is not None else ", ")
    parts.append(f"{show_quantity(trial.peak_memory_bytes, 'bytes')}, {show_quantity(trial.wall_s, 's')}; ")
    parts.append(trial.reason or show_actions(trial))
    return "".join(parts)
