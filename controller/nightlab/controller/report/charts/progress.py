"""Draws the first objective over the night: every run, the best single run so far, and the best confirmed so far."""

from __future__ import annotations

import math

from markupsafe import Markup

from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.report.charts._axis import padded, ticks, time_ticks, without_outliers
from nightlab.controller.report.charts._frame import HEIGHT, WIDTH, Frame, x_scale, y_scale
from nightlab.controller.report.charts._marks import edge_mark, trial_mark
from nightlab.controller.report.charts._svg import drawing, path
from nightlab.controller.report.view import StudyView, TrialView

Point = tuple[float, float, TrialView]


def progress_chart(view: StudyView) -> Markup | None:
    """Draw the picture, or return None when no trial has a score."""
    points = _points(view)
    if not points:
        return None
    frame = _frame(view, points)
    layers = [frame.back()]
    floor = view.floor(view.first.name)
    if floor is not None and floor.center is not None and floor.threshold:
        layers.append(frame.band(floor.center, floor.threshold))
    if floor is not None and floor.center is not None:
        layers.append(frame.level(floor.center))
    singles = [p for p in points if p[2].role is Role.SEARCH and p[2].is_feasible]
    layers += _steps(view, frame, singles, "single")
    layers += _steps(view, frame, [p for p in singles if p[2].verdict is Verdict.KEEP], "kept")
    for x, y, trial in points:
        mark = trial_mark if frame.y.holds(y) else _off
        layers.append(mark(view, trial, frame.x(x), frame.y(y)))
    if floor is not None and floor.center is not None:
        layers.append(frame.level_name(floor.center, "baseline"))
    label = f"{view.first.name} of {len(points)} runs over the night"
    return drawing(WIDTH, HEIGHT, label, *layers, frame.words())


def _points(view: StudyView) -> list[Point]:
    found = []
    for trial in view.trials:
        score = trial.score(view.first.name)
        if score is None or score.value is None or trial.ended_at_unix_s is None:
            continue
        if math.isfinite(score.value):
            found.append((trial.ended_at_unix_s - view.started_at_unix_s, score.value, trial))
    return sorted(found, key=lambda point: (point[0], point[2].number))


def _frame(view: StudyView, points: list[Point]) -> Frame:
    floor = view.floor(view.first.name)
    fixed = [y for _, y, trial in points if view.best is not None and trial.number == view.best.number]
    fixed += [view.best.mean] if view.best is not None else []
    if floor is not None and floor.center is not None:
        fixed += [floor.center - (floor.threshold or 0.0), floor.center + (floor.threshold or 0.0)]
    low, high = padded([*without_outliers(y for _, y, _ in points), *fixed])
    end = max(view.wall_s, points[-1][0], 1.0)
    return Frame(
        x_scale(0.0, end),
        y_scale(low, high),
        time_ticks(0.0, end),
        ticks(low, high, view.first.unit),
        "time since the start",
        view.first.name,
    )


def _steps(view: StudyView, frame: Frame, points: list[Point], class_: str) -> list[Markup]:
    sign = 1.0 if view.first.direction is Direction.MINIMIZE else -1.0
    start = view.baseline.means.get(view.first.name) if view.baseline is not None else None
    best = math.inf if start is None else sign * start
    corners: list[tuple[float, float]] = [] if start is None else [(frame.x(0.0), frame.y(start))]
    for x, single, trial in points:
        y = (
            view.best.mean
            if view.best is not None and view.best.number == trial.number and class_ == "kept"
            else single
        )
        if sign * y < best:
            best = sign * y
            corners += [(frame.x(x), corners[-1][1])] if corners else []
            corners.append((frame.x(x), frame.y(y)))
    if len(corners) < 2:
        return []
    return [path([*corners, (frame.x(frame.x.high), corners[-1][1])], class_=class_)]


def _off(view: StudyView, trial: TrialView, x: float, y: float) -> Markup:
    return edge_mark(view, trial, x, y, is_up=y < HEIGHT / 2)
