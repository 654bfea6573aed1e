"""Renders a study as one self-contained HTML page: no network, no script, one inline style sheet named by its hash.

The page is made of untrusted text to a good part. Every value that the template prints passes `_inert` and is then
escaped; only pictures from `report.charts` are markup.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from nightlab.controller.report import action_words, gate_night, gate_words, words
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.charts import ledger_bar, pareto_chart, progress_chart, timeline_chart
from nightlab.controller.report.charts._marks import css_class
from nightlab.controller.report.charts.pareto import is_placed
from nightlab.controller.report.charts.timeline import lanes_of
from nightlab.controller.report.diff import LINE_LIMIT, DiffLine, Kind, diff_lines, line_count
from nightlab.controller.report.headline import failure_groups, gain_of, headline, ledger_note
from nightlab.controller.report.view import StudyView

TEMPLATES: Final = Path(__file__).parent / "templates"
PAGE_BUDGET_CHARS: Final = 3_000_000  # diffs and logs of all trials together, escaped; keeps any page below 5 MB
TRIAL_BUDGET_CHARS: Final = 24_000
_LINE_COST_CHARS: Final = 32  # the markup around one line


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines that fit the page's budget, and how many came after them."""

    lines: tuple[DiffLine, ...]
    left_out: int


def render_html(view: StudyView, *, zone: tzinfo = UTC) -> str:
    """Write the report page.

    Args:
        view: The study; its texts need not be trusted.
        zone: In which moments are told.

    Returns:
        The whole document. The same view and zone give the same text.
    """
    share = min(TRIAL_BUDGET_CHARS, PAGE_BUDGET_CHARS // max(1, len(view.trials)))
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            view=view,
            zone=zone,
            style=Markup(style),  # noqa: S704  our own file, not input
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            headline=headline(view),
            failures=failure_groups(view.trials),
            ledger_note=ledger_note(view),
            best=view.trial(view.best.number) if view.best is not None else None,
            verdicts=_verdict_counts(view),
            floor=view.floor(view.first.name),
            diff=lambda trial: _diff_excerpt(trial.diff, share * 2 // 3),
            patch=lambda text: _diff_excerpt(text, share * 2 // 3),
            log=lambda trial: _log_excerpt(trial.log_excerpt, share // 3),
            gain=lambda trial: gain_of(view, trial),
            has_slots=bool(lanes_of(view)),
            unplaced=sum(1 for trial in view.trials if trial.verdict is not None and not is_placed(view, trial)),
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        words=words,
        action_words=action_words,
        gate_night=gate_night,
        gate_words=gate_words,
        css_class=css_class,
        pareto_chart=pareto_chart,
        progress_chart=progress_chart,
        timeline_chart=timeline_chart,
        ledger_bar=ledger_bar,
    )
    return environment


def _finalize(value: object) -> object:
    if value is None:
        return words.NONE
    return value if isinstance(value, Markup) else _inert(str(value), keep="\t")


def _verdict_counts(view: StudyView) -> tuple[tuple[str, str, int], ...]:
    counts: dict[tuple[str, str], int] = {}
    for trial in view.trials:
        key = (words.verdict_word(trial), css_class(trial))
        counts[key] = counts.get(key, 0) + 1
    return tuple((word, class_, count) for (word, class_), count in counts.items())


def _diff_excerpt(diff: str, budget: int) -> Excerpt:
    kept = _fitting(diff_lines(diff, budget // _LINE_COST_CHARS), budget)
    return Excerpt(kept, line_count(diff) - len(kept) if diff else 0)


def _log_excerpt(log: str, budget: int) -> Excerpt:
    """Keep the last lines: that is where a run says what became of it."""
    parts = re.split(r"\r\n|\n|\r", log[-budget:].rstrip("\r\n"))  # a progress bar's carriage returns are lines, too
    lines = [DiffLine(Kind.CONTEXT, _inert(part, LINE_LIMIT, keep="\t")) for part in parts] if log.strip() else []
    return Excerpt(_fitting(reversed(lines), budget)[::-1], 0)


def _fitting(lines: Iterable[DiffLine], budget: int) -> tuple[DiffLine, ...]:
    kept: list[DiffLine] = []
    for line in lines:
        budget -= len(escape(line.text)) + _LINE_COST_CHARS
        if budget < 0:
            break
        kept.append(line)
    return tuple(kept)
