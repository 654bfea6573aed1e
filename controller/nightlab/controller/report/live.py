"""Shows a running study as a table that redraws itself on a terminal.

`Board` is what is known now, changed by one event at a time; `board_table` draws it; `LiveView` owns the terminal.
Where there is none, `open_progress` gives plain lines instead.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nightlab.controller.config.units import show_seconds
from nightlab.controller.model.trial import Phase, Role
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.progress import PlainProgress, Progress, ended_line, note_lines
from nightlab.controller.report.tables import VERDICT_STYLES, said
from nightlab.controller.report.view import StudyView, TrialView
from nightlab.controller.report.words import resolution_of, show_quantity, verdict_word

RECENT_TRIALS: Final = 8
RECENT_NOTES: Final = 3
REDRAWS_PER_S: Final = 4.0
_PHASE_STYLES: Final = {Phase.RUNNING: "green", Phase.GATING: "yellow"}


@dataclass(slots=True)
class RunningTrial:
    """A trial between its first phase and its verdict; `since` is of the attempt, by the board's clock."""

    number: int
    attempt: int
    phase: Phase
    since: float
    tries: str = ""
    last_line: str = ""


@dataclass(slots=True)
class Board:
    """What a live view knows. Every method is one event; none draws."""

    view: StudyView | None = None
    since: float = 0.0
    running: dict[int, RunningTrial] = field(default_factory=dict)
    recent: deque[TrialView] = field(default_factory=lambda: deque(maxlen=RECENT_TRIALS))
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT_NOTES))
    counts: dict[str, int] = field(default_factory=dict)
    searched: int = 0

    def start(self, view: StudyView, now: float) -> None:
        """Take a study as it stands; trials that have ended count."""
        self.view, self.since = view, now - view.wall_s
        for trial in view.trials:
            if trial.verdict is not None:
                self.end(trial)

    def phase(self, number: int, attempt: int, phase: Phase, text: str, now: float) -> None:
        """Move a trial to a phase; a new attempt starts its own clock."""
        known = self.running.get(number)
        if known is None or known.attempt != attempt:
            known = RunningTrial(number, attempt, phase, now, known.tries if known else "")
            self.running[number] = known
        known.phase = phase
        known.tries = text or known.tries

    def line(self, number: int, text: str) -> None:
        """Keep a trial's latest line."""
        if number in self.running:
            self.running[number].last_line = text

    def end(self, trial: TrialView) -> None:
        """Move a trial from running to ended."""
        self.running.pop(trial.number, None)
        self.recent.append(trial)
        word = verdict_word(trial)
        self.counts[word] = self.counts.get(word, 0) + 1
        self.searched += trial.role is Role.SEARCH


class LiveView:
    """Redraws a board on a terminal until it is closed.

    Args:
        console: A terminal; stderr by custom, so that stdout stays for results.
        clock: Seconds that only grow.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = Board()
        self._clock = clock
        self._lock = threading.Lock()  # rich draws from its own thread
        self._live = Live(
            get_renderable=self._draw, console=console, refresh_per_second=REDRAWS_PER_S, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._console = console

    def study_started(self, view: StudyView) -> None:
        """Take the terminal."""
        with self._lock:
            self._board.start(view, self._clock())
        self._live.start()

    def update(self, view: StudyView) -> None:
        """Take a newer view of the study: its floor, baseline and best. Running trials stay."""
        with self._lock:
            self._board.view = view

    def phase(self, number: int, attempt: int, phase: Phase, text: str) -> None:
        """Show a trial's phase."""
        with self._lock:
            self._board.phase(number, attempt, phase, text, self._clock())

    def line(self, number: int, text: str) -> None:
        """Show a trial's latest line."""
        with self._lock:
            self._board.line(number, text)

    def trial_ended(self, trial: TrialView) -> None:
        """Show a verdict."""
        with self._lock:
            self._board.end(trial)

    def note(self, text: str) -> None:
        """Show a note and keep it in the terminal's history."""
        with self._lock:
            self._board.notes.append(text)
        self._console.print(Text("\n".join(note_lines(text)), style="yellow"))

    def study_ended(self, view: StudyView) -> None:
        """Give the terminal back and leave the outcome on it."""
        self.close()
        self._console.print(said(view))

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()

    def _draw(self) -> RenderableType:
        with self._lock:
            return board_table(self._board, self._clock())


def open_progress(console: Console) -> Progress:
    """Return a live view where the console is a terminal that can redraw, plain lines elsewhere."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console)
    return PlainProgress(console.file)


def board_table(board: Board, now: float) -> RenderableType:
    """Draw a board: the study in a line, what runs, what ended last."""
    view = board.view
    if view is None:
        return Text("preparing the study", style="dim")
    parts: list[RenderableType] = [_head(view, board, now)]
    if board.running:
        parts.append(_running(board, now))
    parts += [_ended(view, trial) for trial in board.recent]
    return Group(*parts)


def _head(view: StudyView, board: Board, now: float) -> Text:
    text = Text(f"{_inert(view.name, 60)} {_inert(view.id, 20)}", style="bold", no_wrap=True, overflow="ellipsis")
    told = ", ".join(f"{count} {word}" for word, count in board.counts.items())
    done = f"  {board.searched}/{view.budget_trials} trials  {show_seconds(max(0.0, now - board.since))}  {told}"
    text.append(done, style="not bold default")
    resolution = resolution_of(view, view.first.name)
    if view.best is not None:
        best = show_quantity(view.best.mean, view.first.unit, resolution=resolution)
        text.append(f"  best {view.first.name} {best} (trial {view.best.number})", style="bold green")
    return text


def _running(board: Board, now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True)
    for name in ("trial", "phase", "for", "what it tries", "last line"):
        table.add_column(
            Text(name), no_wrap=True, overflow="ellipsis", ratio=1 if name in ("what it tries", "last line") else None
        )
    for trial in sorted(board.running.values(), key=lambda item: item.number):
        number = f"{trial.number}" if trial.attempt == 1 else f"{trial.number} (attempt {trial.attempt})"
        phase = Text(trial.phase.value, style=_PHASE_STYLES.get(trial.phase, "cyan"))
        spent = Text(show_seconds(max(0.0, now - trial.since)), justify="right")
        table.add_row(
            Text(number), phase, spent, Text(_inert(trial.tries, 200)), Text(_inert(trial.last_line, 200), style="dim")
        )
    return table


def _ended(view: StudyView, trial: TrialView) -> Text:
    style = VERDICT_STYLES.get(verdict_word(trial), "")
    return Text(_inert(ended_line(view, trial), 400), style=style, no_wrap=True, overflow="ellipsis")
