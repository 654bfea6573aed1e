"""The plotting area that the scatter pictures share: axes, grid, ticks, titles and the noise-floor band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from nightlab.controller.report.charts._axis import Scale, Ticks
from nightlab.controller.report.charts._svg import element, line, text

WIDTH: Final = 560.0
HEIGHT: Final = 340.0
LEFT: Final = 66.0
RIGHT: Final = 16.0
TOP: Final = 30.0
BOTTOM: Final = 48.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Two scales with their ticks and titles."""

    x: Scale
    y: Scale
    x_ticks: Ticks
    y_ticks: Ticks
    x_title: str
    y_title: str

    def back(self) -> Markup:
        """Draw what lies behind the marks."""
        grid = [line(LEFT, self.y(v), WIDTH - RIGHT, self.y(v), class_="grid") for v, _ in self.y_ticks.marks]
        base = line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, class_="axis")
        feet = [
            line(self.x(v), HEIGHT - BOTTOM, self.x(v), HEIGHT - BOTTOM + 4, class_="axis")
            for v, _ in self.x_ticks.marks
        ]
        return Markup("").join([*grid, base, *feet])

    def words(self) -> Markup:
        """Write tick labels and titles."""
        rows = [text(LEFT - 8, self.y(v) + 4, label, anchor="end") for v, label in self.y_ticks.marks]
        columns = [text(self.x(v), HEIGHT - BOTTOM + 18, label, anchor="middle") for v, label in self.x_ticks.marks]
        titles = [
            text(4, 16, _titled(self.y_title, self.y_ticks.unit), class_="title"),
            text(WIDTH - RIGHT, HEIGHT - 8, _titled(self.x_title, self.x_ticks.unit), class_="title", anchor="end"),
        ]
        return Markup("").join([*rows, *columns, *titles])

    def band(self, center: float, half: float) -> Markup:
        """Draw a horizontal band: what the noise floor cannot tell from the baseline."""
        top, bottom = self.y(center + half), self.y(center - half)
        return element("rect", x=LEFT, y=top, width=WIDTH - RIGHT - LEFT, height=max(1.0, bottom - top), class_="band")

    def level(self, value: float) -> Markup:
        """Draw a horizontal line."""
        return line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), class_="level")

    def level_name(self, value: float, name: str) -> Markup:
        """Name a horizontal line, readable on top of marks."""
        return text(WIDTH - RIGHT - 4, self.y(value) - 5, name, class_="tick name", anchor="end")


def x_scale(low: float, high: float) -> Scale:
    """Return the scale of the horizontal axis."""
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def y_scale(low: float, high: float) -> Scale:
    """Return the scale of the vertical axis, growing upwards."""
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def _titled(title: str, unit: str) -> str:
    return f"{title} ({unit[:24]})" if unit else title
