"""Draws the first objective against peak memory, with the line of what nothing beats in both."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup

from nightlab.controller.model.score import Direction
from nightlab.controller.report.charts._axis import padded, ticks, without_outliers
from nightlab.controller.report.charts._frame import HEIGHT, WIDTH, Frame, x_scale, y_scale
from nightlab.controller.report.charts._marks import edge_mark, trial_mark
from nightlab.controller.report.charts._svg import drawing, path
from nightlab.controller.report.view import StudyView, TrialView

Point = tuple[float, float, TrialView]


def pareto_chart(view: StudyView) -> Markup | None:
    """Draw the picture, or return None when no trial has both numbers."""
    points = _points(view)
    if not points:
        return None
    frame = _frame(view, points)
    floor = view.floor(view.first.name)
    layers = [frame.back()]
    if floor is not None and floor.center is not None and floor.threshold:
        layers.append(frame.band(floor.center, floor.threshold))
    front = non_dominated(((x, y, t) for x, y, t in points if t.is_feasible), view.first.direction)
    if len(front) > 1:
        layers.append(path(_staircase(frame, front, view.first.direction), class_="front"))
    layers += [_mark(view, frame, point) for point in sorted(points, key=lambda p: _is_best(view, p[2]))]
    label = f"{view.first.name} against peak memory of {len(points)} trials"
    return drawing(WIDTH, HEIGHT, label, *layers, frame.words())


def non_dominated(points: Iterable[Point], direction: Direction) -> list[Point]:
    """Return the points that no other beats in memory (less is better) and objective, by growing memory.

    Of equal points the first stays.
    """
    sign = 1.0 if direction is Direction.MINIMIZE else -1.0
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p[0], sign * p[1])):
        if not front or sign * point[1] < sign * front[-1][1]:
            front.append(point)
    return front


def is_placed(view: StudyView, trial: TrialView) -> bool:
    """Tell whether a trial has both numbers of the picture."""
    score = trial.score(view.first.name)
    value = score.value if score is not None else None
    has_both = value is not None and math.isfinite(value) and trial.peak_memory_bytes is not None
    return has_both and trial.verdict is not None


def _points(view: StudyView) -> list[Point]:
    found = []
    for trial in view.trials:
        score = trial.score(view.first.name)
        if is_placed(view, trial) and score is not None and score.value is not None:
            found.append((float(trial.peak_memory_bytes or 0), score.value, trial))
    return found


def _frame(view: StudyView, points: list[Point]) -> Frame:
    fixed = [y for _, y, t in points if _is_best(view, t)]
    floor = view.floor(view.first.name)
    if floor is not None and floor.center is not None:
        fixed += [floor.center - (floor.threshold or 0.0), floor.center + (floor.threshold or 0.0)]
    low, high = padded([*without_outliers(y for _, y, _ in points), *fixed])
    left, right = padded(x for x, _, _ in points)
    left = max(0.0, left)
    x_ticks, y_ticks = ticks(left, right, "bytes"), ticks(low, high, view.first.unit)
    return Frame(x_scale(left, right), y_scale(low, high), x_ticks, y_ticks, "peak memory", view.first.name)


def _staircase(frame: Frame, front: list[Point], direction: Direction) -> list[tuple[float, float]]:
    steps = [(frame.x(front[0][0]), frame.y(front[0][1]))]
    for x, y, _ in front[1:]:
        steps += [(frame.x(x), steps[-1][1]), (frame.x(x), frame.y(y))]
    return steps


def _mark(view: StudyView, frame: Frame, point: Point) -> Markup:
    x, y, trial = point
    if frame.y.holds(y):
        return trial_mark(view, trial, frame.x(x), frame.y(y))
    return edge_mark(view, trial, frame.x(x), frame.y(y), is_up=y > frame.y.high)


def _is_best(view: StudyView, trial: TrialView) -> bool:
    return view.best is not None and view.best.number == trial.number
