"""Draws the night: one lane per slot, one bar per trial in its verdict's colour, idle time as the bare lane."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from markupsafe import Markup

from nightlab.controller.report.charts._axis import Scale, time_ticks
from nightlab.controller.report.charts._marks import css_class, trial_hint
from nightlab.controller.report.charts._svg import drawing, element, line, text
from nightlab.controller.report.view import StudyView, TrialView

WIDTH: Final = 1120.0
LEFT: Final = 58.0
RIGHT: Final = 20.0
LANE: Final = 30.0
GAP: Final = 6.0
AXIS: Final = 30.0
_LABEL_MIN_PX: Final = 22.0


def timeline_chart(view: StudyView, zone: tzinfo = UTC) -> Markup | None:
    """Draw the picture with clock times of `zone`, or return None when no trial had a container."""
    lanes = lanes_of(view)
    if not lanes:
        return None
    end = view.started_at_unix_s + max(view.wall_s, 1.0)
    scale = Scale(view.started_at_unix_s, end, LEFT, WIDTH - RIGHT)
    height = len(lanes) * (LANE + GAP) + AXIS
    layers = [_axis(view, scale, height, zone)]
    for index, lane in enumerate(lanes):
        layers.append(_lane(view, scale, index, lane))
    return drawing(WIDTH, height, f"{len(view.trials)} trials on {len(lanes)} slots", *layers, class_="chart wide")


def lanes_of(view: StudyView) -> list[list[TrialView]]:
    """Place each trial that had a container on a lane: its own slot, else the first lane that is free."""
    lanes: list[list[TrialView]] = []
    spans = [trial for trial in view.trials if trial.started_at_unix_s is not None]
    for trial in sorted(spans, key=lambda t: (t.started_at_unix_s or 0.0, t.number)):
        slot = trial.slot if trial.slot is not None else _free_lane(view, lanes, trial)
        while len(lanes) <= slot:
            lanes.append([])
        lanes[slot].append(trial)
    while lanes and len(lanes) < view.slots:
        lanes.append([])
    return lanes


def _free_lane(view: StudyView, lanes: list[list[TrialView]], trial: TrialView) -> int:
    start = trial.started_at_unix_s or 0.0
    free = (index for index, lane in enumerate(lanes) if not lane or _end(view, lane[-1]) <= start)
    return next(free, len(lanes))


def _end(view: StudyView, trial: TrialView) -> float:
    return view.now_unix_s if trial.ended_at_unix_s is None else trial.ended_at_unix_s


def _lane(view: StudyView, scale: Scale, index: int, lane: list[TrialView]) -> Markup:
    top = index * (LANE + GAP)
    label = text(LEFT - 10, top + LANE / 2 + 4, f"slot {index}", anchor="end")
    back = element("rect", x=LEFT, y=top, width=WIDTH - LEFT - RIGHT, height=LANE, class_="lane")
    return Markup("").join([label, back, *(_bar(view, scale, top, trial) for trial in lane)])


def _bar(view: StudyView, scale: Scale, top: float, trial: TrialView) -> Markup:
    left, right = scale(trial.started_at_unix_s or 0.0), scale(_end(view, trial))
    width = max(1.0, right - left - 0.8)
    rect = element(
        "rect", x=left, y=top, width=width, height=LANE, rx=min(3.0, width / 3), class_=f"bar {css_class(trial)}"
    )
    number = text(left + width / 2, top + LANE / 2 + 4, str(trial.number), class_="inbar", anchor="middle")
    return element(
        "g", rect, number if width >= _LABEL_MIN_PX else Markup(""), element("title", trial_hint(view, trial))
    )


def _axis(view: StudyView, scale: Scale, height: float, zone: tzinfo) -> Markup:
    offset = datetime.fromtimestamp(view.started_at_unix_s, zone).utcoffset()
    shift = offset.total_seconds() if offset is not None else 0.0  # ticks are round on the local clock
    marks = time_ticks(scale.low + shift, scale.high + shift, 8).marks
    bottom = height - AXIS
    parts = []
    for value, _ in marks:
        at = scale(value - shift)
        label = f"{datetime.fromtimestamp(value - shift, zone):{'%H:%M' if view.wall_s >= 480 else '%H:%M:%S'}}"
        parts += [line(at, 0, at, bottom + 4, class_="grid"), text(at, bottom + 20, label, anchor="middle")]
    return Markup("").join(parts)
