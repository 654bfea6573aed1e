"""Renders a study and its trials for a terminal with rich. All text is rich.text.Text: no markup is ever read from it.

What the numbers mean is `report.words`; which command shows which table is the command line's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nightlab.controller.model.score import Trust
from nightlab.controller.model.trial import GateReport
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.action_tables import action_tables
from nightlab.controller.report.diff import Kind, diff_lines
from nightlab.controller.report.gate_night import seen, summary_sentence
from nightlab.controller.report.gate_words import gate_lines, seal_line, target_line
from nightlab.controller.report.headline import Tone, gain_of, headline, ledger_note, total_seconds
from nightlab.controller.report.view import StudyView, TrialView
from nightlab.controller.report.words import (
    LEDGER_WORDS,
    NONE,
    TRUST_WORDS,
    resolution_of,
    show_actions,
    show_argument,
    show_change,
    show_floors,
    show_percent,
    show_quantity,
    show_when,
    verdict_word,
)

VERDICT_STYLES: Final = {
    "keep": "bold green",
    "baseline": "cyan",
    "confirm": "blue",
    "discard": "",
    "crash": "red",
    "rejected": "red",
    "infeasible": "yellow",
    "void": "magenta",
    "lost": "yellow",
    "pruned": "yellow",
    "duplicate": "dim",
    "no effect": "dim",
}
GATE_LINES: Final = 8
DRIFTS_SHOWN: Final = 6
_TONES: Final = {Tone.GOOD: "bold green", Tone.PLAIN: "bold", Tone.BAD: "bold red"}
_DIFF_STYLES: Final = {Kind.ADDED: "green", Kind.REMOVED: "red", Kind.HUNK: "cyan", Kind.FILE: "bold", Kind.CONTEXT: ""}


def final_table(view: StudyView) -> RenderableType:
    """Show what `nightlab run` ends with: the outcome, every trial's verdict, and baseline beside best."""
    parts = [trial_list(view), Text(), summary(view), *action_tables(view), Text(), said(view)]
    return Group(*parts, *gate_summary(view))


def said(view: StudyView) -> Text:
    """Show the headline and its reasons."""
    top = headline(view)
    text = Text(top.title, style=_TONES[top.tone])
    for detail in top.details:
        text.append("\n" + detail, style="not bold default")
    return text


def summary(view: StudyView) -> Table:
    """Show baseline, best and gain of each objective, and of memory and time."""
    best = view.trial(view.best.number) if view.best is not None else None
    grid = _table(
        ("", "left"),
        ("baseline", "right"),
        ("best", "right"),
        ("better by", "right"),
        ("noise floor", "right"),
        ("in floors", "right"),
    )
    for objective in view.objectives:
        resolution, floor = resolution_of(view, objective.name), view.floor(objective.name)
        before = view.baseline.means.get(objective.name) if view.baseline is not None else None
        score = best.score(objective.name) if best is not None else None
        after, gain = (score.value, score.gain) if score is not None else (None, None)
        if view.best is not None and objective is view.first:
            after, gain = view.best.mean, view.best.gain
        values = [show_quantity(value, objective.unit, resolution=resolution) for value in (before, after)]
        limit = show_quantity(floor.threshold if floor is not None else None, objective.unit, resolution=resolution)
        change = show_change(gain, objective.unit, resolution=resolution)
        grid.add_row(*_texts([objective.name, *values, change, limit, show_floors(gain, floor)]))
    for name, unit, before, after in _costs(view, best):
        gain = before - after if before is not None and after is not None else None
        values = [show_quantity(before, unit), show_quantity(after, unit), show_change(gain, unit)]
        grid.add_row(*_texts([name, *values, "", ""]))
    return grid


def trial_list(view: StudyView, trials: Iterable[TrialView] | None = None) -> Table:
    """Show one line per trial, by number."""
    first, resolution = view.first, resolution_of(view, view.first.name)
    before = view.baseline.means.get(first.name) if view.baseline is not None else None
    table = _table(
        ("trial", "right"),
        ("verdict", "left"),
        (first.name, "right"),
        ("gain", "right"),
        ("memory", "right"),
        ("time", "right"),
        ("what it tried", "left"),
    )
    table.columns[-1].ratio = 1
    for trial in view.trials if trials is None else trials:
        score = trial.score(first.name)
        value = show_quantity(score.value if score is not None else None, first.unit, resolution=resolution)
        gain = show_percent(gain_of(view, trial), before)
        cells = [value, gain, show_quantity(trial.peak_memory_bytes, "bytes"), show_quantity(trial.wall_s, "s")]
        mark = " *" if view.best is not None and view.best.number == trial.number else ""
        table.add_row(Text(f"{trial.number}{mark}"), verdict_text(trial), *_texts([*cells, show_actions(trial)]))
    return table


def trial_show(view: StudyView, trial: TrialView, *, zone: tzinfo = UTC) -> RenderableType:
    """Show all of one trial: verdict, changes, measurements, the run, the gate, diff and output."""
    head = Text(f"trial {trial.number}  ", style="bold").append_text(verdict_text(trial))
    if trial.reason:
        head.append("\n" + _inert(trial.reason), style="not bold default")
    parts: list[RenderableType] = [head, Text(), _facts(trial, zone)]
    if trial.changed:
        parts += [_title("what it changed"), _arguments(trial)]
    parts += _summaries(trial)
    if trial.scores or trial.bounds:
        parts += [_title("what was measured"), _measured(view, trial)]
    if trial.gate is not None:
        parts += [_title("gate"), *_gate(trial.gate)]
    if trial.diff:
        parts += [_title("diff against the base tree"), diff_text(trial.diff)]
    if trial.log_excerpt:
        parts += [_title("end of its output"), *_lines(trial.log_excerpt)]
    return Group(*parts)


def status(view: StudyView) -> RenderableType:
    """Show how far a study has come and what runs now."""
    counts: dict[str, int] = {}
    for trial in view.trials:
        counts[verdict_word(trial)] = counts.get(verdict_word(trial), 0) + 1
    head = Text(f"{_inert(view.name, 80)} {_inert(view.id, 40)}  ", style="bold").append(view.state.value, style="cyan")
    if view.state_reason:
        head.append(f": {_inert(view.state_reason, 400)}", style="not bold default")
    spent = f"{show_quantity(view.wall_s, 's')} of {show_quantity(view.budget_wall_s, 's')}"
    told = ", ".join(f"{count} {word}" for word, count in counts.items()) or "none yet"
    parts: list[RenderableType] = [
        head,
        Text(f"{spent}; trials: {told}"),
        said(view),
        *gate_summary(view),
        *action_tables(view),
    ]
    now = [trial for trial in view.trials if trial.is_running]
    return Group(*parts, _title("running now"), trial_list(view, now)) if now else Group(*parts)


def ledger_table(view: StudyView) -> RenderableType:
    """Show where the container time went."""
    spent, _ = total_seconds(view)
    table = _table(("spent on", "left"), ("time", "right"), ("share", "right"), ("trials", "right"), ("", "left"))
    for row in view.ledger_rows:
        share = show_percent(row.seconds, spent, sign=False)
        words = LEDGER_WORDS.get(row.category, "")
        table.add_row(*_texts([row.category, show_quantity(row.seconds, "s"), share, str(row.trials or ""), words]))
    return Group(table, Text(ledger_note(view)))


def verdict_text(trial: TrialView) -> Text:
    """Show a verdict in its colour."""
    word = verdict_word(trial)
    return Text(word, style=VERDICT_STYLES.get(word, "cyan"))


def diff_text(diff: str) -> Text:
    """Show a diff in colour."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for line in diff_lines(diff):
        style = _DIFF_STYLES[line.kind]
        text.append(line.head, style).append(line.mark, f"{style} reverse").append(line.tail, style).append("\n")
    text.rstrip()
    return text


def _costs(view: StudyView, best: TrialView | None) -> Iterator[tuple[str, str, float | None, float | None]]:
    base, named = view.baseline, {objective.name for objective in view.objectives}
    if "peak_memory" not in named:
        memory = base.peak_memory_bytes if base is not None else None
        yield "peak memory", "bytes", memory, best.peak_memory_bytes if best is not None else None
    if "wall_time" not in named:
        train_s = base.train_s if base is not None else None
        yield "training time", "s", train_s, best.train_s if best is not None else None


def _facts(trial: TrialView, zone: tzinfo) -> Table:
    grid = Table.grid(padding=(0, 2))
    seed = "the script's own" if trial.run_seed is None else str(trial.run_seed)
    again = f", trial {trial.repeats} again" if trial.repeats is not None else ""
    kernel = f", {show_quantity(trial.kernel_peak_bytes, 'bytes')} with page cache" if trial.kernel_peak_bytes else ""
    rows = {
        "role": trial.role.value + again,
        "parent": "base tree" if trial.parent is None else f"trial {trial.parent}",
        "started": show_when(trial.started_at_unix_s, zone),
        "container": f"{show_quantity(trial.wall_s, 's')}, of that training {show_quantity(trial.train_s, 's')}",
        "peak memory": show_quantity(trial.peak_memory_bytes, "bytes") + kernel,
        "GPU memory": show_quantity(trial.peak_gpu_bytes, "bytes") if trial.peak_gpu_bytes is not None else "",
        "attempts": str(trial.attempts),
        "exit code": NONE if trial.exit_code is None else str(trial.exit_code),
        "seed": seed,
        "left behind": ", ".join(trial.added_importable[:10]),
        "tree": trial.tree_digest,
        "commit": trial.commit_id,
        "image": trial.image_id,
        "isolation": ", ".join(f"{key} {value}" for key, value in trial.posture.items()),
    }
    for name, value in rows.items():
        if value:
            grid.add_row(Text(name, style="dim"), Text(_inert(value), overflow="fold"))
    return grid


def _arguments(trial: TrialView) -> Table:
    table = _table(("argument", "left"), ("before", "left"), ("after", "left"), ("action", "left"))
    for action in trial.actions:
        for argument in action.changed:
            before, after = (
                Text(show_argument(argument.before), style="dim"),
                Text(show_argument(argument.after), style="bold"),
            )
            table.add_row(*_texts([argument.name]), before, after, *_texts([action.name]))
    return table


def _summaries(trial: TrialView) -> Iterator[RenderableType]:
    """Say what each action did, in order, where its arguments alone do not."""
    for at, action in enumerate(trial.actions):
        if len(trial.actions) > 1 or not action.changed:
            said = f": {action.summary}" if action.summary else ""
            yield Text(_inert(f"{at + 1}. {action.name}{said}", 400), style="dim")


def _measured(view: StudyView, trial: TrialView) -> Table:
    table = _table(("quantity", "left"), ("value", "right"), ("gain", "right"), ("how", "left"))
    for score in trial.scores:
        resolution = resolution_of(view, score.name)
        value = show_quantity(score.value, score.unit, resolution=resolution)
        gain = show_change(score.gain, score.unit, resolution=resolution)
        table.add_row(*_texts([score.name, value, gain, _how(score.trust, score.source)]))
    for bound in trial.bounds:
        kept = {True: "kept", False: "broken", None: NONE}[bound.is_kept]
        table.add_row(
            *_texts([bound.name, show_quantity(bound.value, bound.unit), kept, _how(bound.trust, bound.source)])
        )
    return table


def _how(trust: Trust, source: str) -> str:
    return f"{TRUST_WORDS[trust]}: {source}" if source else TRUST_WORDS[trust]


def _gate(gate: GateReport) -> Iterator[RenderableType]:
    yield Text(_inert(f"{target_line(gate)}; {seal_line(gate)}", 400), style="dim")
    for line, is_bad in gate_lines(gate):
        yield Text(_inert(line, 800), style="red" if is_bad else "")
    changes = [change for drift in gate.drifts for change in drift.explanation.changes if change.diff]
    for change in changes[:DRIFTS_SHOWN]:
        yield diff_text(change.diff)


def gate_summary(view: StudyView) -> Iterator[RenderableType]:
    """Say what the gate saw in the night, and list what a person should read; nothing before the first gate."""
    sentence = summary_sentence(view)
    if not sentence:
        return
    yield Text("gate: " + sentence, style="dim" if not seen(view) else "")
    for item in seen(view)[:GATE_LINES]:
        where = f"trial {item.number}, " if item.number is not None else ""
        yield Text(_inert(f"  {where}{item.kind}: {item.text}", 600), style="red" if item.is_bad else "")
    if len(seen(view)) > GATE_LINES:
        yield Text(f"  and {len(seen(view)) - GATE_LINES} more; nightlab report has them all", style="dim")


def _lines(text: str) -> list[RenderableType]:
    lines = text.rstrip("\n").split("\n")
    return [
        Padding(Text(_inert(line, 400), style="dim", no_wrap=True, overflow="ellipsis"), (0, 0, 0, 2)) for line in lines
    ]


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _texts(cells: Sequence[str]) -> list[Text]:
    return [Text(_inert(cell, 400)) for cell in cells]


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, justify in columns:
        table.add_column(Text(_inert(name, 80)), justify="right" if justify == "right" else "left")
    return table
