"""Builds SVG elements whose text and attributes are escaped and inert."""

from __future__ import annotations

from markupsafe import Markup, escape

from nightlab.controller.report._inert import _inert


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """Write one element.

    Args:
        name: The tag.
        children: Markup is kept, any other text is made inert and escaped.
        attributes: None leaves one out; `class_` is class, other underscores become hyphens; numbers are rounded
            to a tenth of a pixel.
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    head = Markup("").join(Markup(' {}="{}"').format(key, _attribute(value)) for key, value in pairs)
    body = Markup("").join(child if isinstance(child, Markup) else escape(_inert(child)) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(name, head, body)


def drawing(width: float, height: float, label: str, *children: Markup, class_: str = "chart") -> Markup:
    """Write a whole picture that scales with its place, with a text for those who cannot see it.

    One of the class "stack" has no text of its own and may be stretched.
    """
    box = f"0 0 {width:g} {height:g}"
    aspect = "none" if "stack" in class_ else None
    return element(
        "svg", *children, viewBox=box, role="img", class_=class_, aria_label=label, preserveAspectRatio=aspect
    )


def text(x: float, y: float, content: str, *, class_: str = "tick", anchor: str = "start") -> Markup:
    """Write a text at a point; the anchor is start, middle or end."""
    return element("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, *, class_: str) -> Markup:
    """Draw a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: list[tuple[float, float]], *, class_: str) -> Markup:
    """Draw a line through points."""
    steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return element("path", d=f"M{steps}", class_=class_)


def _attribute(value: str | float) -> str:
    return _inert(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
