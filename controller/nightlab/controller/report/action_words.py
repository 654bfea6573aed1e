"""Which action won what, in the words of every surface. Texts of plugins are in it; surfaces make them inert."""

from __future__ import annotations

from typing import Final

from nightlab.controller.model.score import Verdict
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.action_view import PluginView, TallyView
from nightlab.controller.report.view import StudyView, TrialView
from nightlab.controller.report.words import (
    NONE,
    resolution_of,
    show_change,
    show_number,
    show_parts,
    show_percent,
    show_quantity,
)

TALLY_HEAD: Final = (
    *("action", "trials", "kept", "best gain", "of the baseline", "gain per container-min", "time", "came to nothing"),
)
TALLY_NUMBERS: Final = (1, 2, 3, 4, 5, 6)
"""Columns of the table that hold numbers."""
KEPT_HEAD: Final = ("trial", "gain", "made of")
NOTHING: Final = tuple(
    verdict.value
    for verdict in (
        *(Verdict.CRASH, Verdict.INFEASIBLE, Verdict.REJECTED, Verdict.VOID, Verdict.LOST),
        *(Verdict.DUPLICATE, Verdict.NO_EFFECT),
    )
)
DIGEST_CHARS: Final = 12


def has_rivals(view: StudyView) -> bool:
    """Whether a terminal should tell of actions: there are several, or a plugin is left out."""
    return len(view.tallies) > 1 or any(plugin.stopped for plugin in view.plugins)


def tally_cells(view: StudyView, tally: TallyView) -> tuple[str, ...]:
    """Write an action's row, a cell for each of TALLY_HEAD."""
    first, resolution = view.first, resolution_of(view, view.first.name)
    rate = tally.gain_per_container_min
    return (
        tally.name,
        str(tally.trials),
        str(tally.kept or NONE),
        show_change(tally.best_gain, first.unit, resolution=resolution),
        show_percent(tally.best_gain_percent, 100.0),
        show_number(rate, resolution=abs(rate)) if rate else NONE,
        show_quantity(tally.container_s, "s") if tally.container_s else NONE,
        nothing(tally),
    )


def nothing(tally: TallyView) -> str:
    """Count what failed or told nothing: "2 crash, 1 rejected"."""
    found = [f"{tally.outcomes[word]} {word}" for word in NOTHING if tally.outcomes.get(word)]
    return ", ".join(found) or NONE


def kept_trials(view: StudyView) -> tuple[TrialView, ...]:
    """Return the kept trials, the first one first."""
    return tuple(trial for trial in view.trials if trial.verdict is Verdict.KEEP)


def kept_cells(view: StudyView, trial: TrialView) -> tuple[str, ...]:
    """Write a kept trial's row, a cell for each of KEPT_HEAD; the gain is against the baseline."""
    score, first = trial.score(view.first.name), view.first
    gain = score.gain if score is not None else None
    if view.best is not None and view.best.number == trial.number:
        gain = view.best.gain
    shown = show_change(gain, first.unit, resolution=resolution_of(view, first.name))
    return str(trial.number), shown, recipe_text(trial)


def recipe_text(trial: TrialView) -> str:
    """Write every action of a trial's tree in the order in which they were applied, with what each one did."""
    return "; then ".join(f"{action.name}: {', '.join(show_parts(action))}" for action in trial.actions)


def plugin_line(plugin: PluginView) -> str:
    """Say who took part: "momentum 1.2.0, sha256 3f1c9a7be2d0; left out: broke 3 times within an hour"."""
    version = f" {_inert(plugin.version, 40)}" if plugin.version else ""
    digest = f", {_digest(plugin.digest)}" if plugin.digest else ""
    why = plugin.stopped.partition("\n")[0].rstrip(":")  # a diff follows, which the night has told
    stopped = f"; left out: {why}" if why else ""
    return f"{plugin.name}{version}{digest}{stopped}"


def _digest(digest: str) -> str:
    kind, _, value = digest.rpartition(":")
    return f"{kind or 'sha256'} {value[:DIGEST_CHARS]}"
