"""The marks that stand for one trial each, the same in every scatter picture."""

from __future__ import annotations

from markupsafe import Markup

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Phase
from nightlab.controller.report.charts._svg import element
from nightlab.controller.report.view import StudyView, TrialView
from nightlab.controller.report.words import resolution_of, show_actions, show_quantity, verdict_word


def css_class(trial: TrialView) -> str:
    """Name the class that colours a trial: its verdict's, "confirm" for a good repeat, or how far it has come."""
    if trial.verdict is None:
        return "v-planned" if trial.phase is Phase.PLANNED else "v-running"
    return "v-" + verdict_word(trial).replace(" ", "-")


def trial_mark(view: StudyView, trial: TrialView, x: float, y: float) -> Markup:
    """Draw a trial: a ring for the best, a diamond for a baseline, a hollow dot where a bound was broken."""
    hint = element("title", trial_hint(view, trial))
    if view.best is not None and view.best.number == trial.number:
        ring = element("circle", cx=x, cy=y, r=9.0, class_="ring")
        return element("g", ring, _dot(x, y, 5.0, css_class(trial)), hint)
    if trial.verdict is Verdict.BASELINE:
        return element("g", element("path", d=f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z", class_="dot v-baseline"), hint)
    return element("g", _dot(x, y, 4.0, css_class(trial) if trial.is_feasible else "v-infeasible hollow"), hint)


def edge_mark(view: StudyView, trial: TrialView, x: float, y: float, *, is_up: bool) -> Markup:
    """Draw a trial whose value lies off the picture, at its edge."""
    tip = -7 if is_up else 7
    shape = element("path", d=f"M{x - 4:.1f} {y:.1f}h8l-4 {tip}z", class_=f"dot {css_class(trial)}")
    return element("g", shape, element("title", trial_hint(view, trial)))


def trial_hint(view: StudyView, trial: TrialView) -> str:
    """Say what a mark stands for, in one line."""
    score = trial.score(view.first.name)
    value = score.value if score is not None else None
    words = show_quantity(value, view.first.unit, resolution=resolution_of(view, view.first.name))
    memory = show_quantity(trial.peak_memory_bytes, "bytes")
    return f"trial {trial.number}, {verdict_word(trial)}: {words}, {memory}; {show_actions(trial)}"


def _dot(x: float, y: float, radius: float, class_: str) -> Markup:
    return element("circle", cx=x, cy=y, r=radius, class_=f"dot {class_}")
