"""Renders a study as one file of GitHub-flavoured Markdown: the same story as the page, without pictures.

Untrusted text stands only in code spans and fenced blocks, where neither Markdown nor HTML means anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from typing import Final

from nightlab.controller.report._inert import _inert
from nightlab.controller.report.action_words import (
    KEPT_HEAD,
    TALLY_HEAD,
    TALLY_NUMBERS,
    kept_cells,
    kept_trials,
    plugin_line,
    tally_cells,
)
from nightlab.controller.report.diff import diff_lines, line_count
from nightlab.controller.report.gate_night import inherited, notes, proof_line, seen, summary_sentence
from nightlab.controller.report.gate_words import finding_line
from nightlab.controller.report.headline import failure_groups, gain_of, headline, ledger_note, total_seconds
from nightlab.controller.report.view import FAILURES, StudyView, TrialView
from nightlab.controller.report.words import (
    LEDGER_WORDS,
    NONE,
    resolution_of,
    show_actions,
    show_bound,
    show_change,
    show_floors,
    show_percent,
    show_quantity,
    show_when,
    verdict_word,
)

DIFF_LINES: Final = 200
GATE_CHARS: Final = 600
GATE_ROWS: Final = 60
GATE_HUNKS: Final = 4
CELL_CHARS: Final = 160
LOG_LINES: Final = 12
PAGE_LINES: Final = 20_000  # diffs and logs of all trials together
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#!|&~$@:])")
_WORD_JOINER: Final = "\u2060"


def render_markdown(view: StudyView, *, zone: tzinfo = UTC) -> str:
    """Write the report as Markdown. The same view and zone give the same text."""
    blocks = [
        *_top(view, zone),
        *_winner(view),
        *_actions(view),
        *_ledger(view),
        *_failures(view),
        *_gate(view),
        *_trials(view),
        *_patches(view),
        *_facts(view),
    ]
    return "\n\n".join(blocks) + "\n"


def code(text: str, limit: int = CELL_CHARS) -> str:
    """Write untrusted text as a code span that is also safe in a table cell.

    A pipe in a cell needs a backslash; where one stands before it already, a space keeps the two apart.
    """
    inert = re.sub(r"\\(?=\|)", r"\\ ", _inert(text, limit)).replace("|", r"\|")
    if not inert.strip():
        return NONE
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inert)), default=0))
    room = " " if "`" in (inert[0], inert[-1]) or inert.endswith("\\") else ""
    return f"{fence}{room}{inert}{room}{fence}"


def plain(text: str, limit: int = 1000) -> str:
    """Write inert text outside a code span: every character that Markdown may read is escaped.

    A word joiner keeps @name and #12 from becoming mentions and references, which GitHub makes after escapes are gone.
    """
    calm = re.sub(r"([@#])(?=\w)", rf"\1{_WORD_JOINER}", _inert(text, limit))
    return re.sub(r"(?i)\bwww\.", r"www\\.", _SPECIAL.sub(r"\\\1", calm))


def fenced(lines: Sequence[str], language: str) -> str:
    """Write untrusted lines as a block; its fence is longer than any run of backticks inside."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence + language, *lines, fence])


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> str:
    """Write a table of cells that are safe already; the columns in `numbers` are set right."""
    right = set(numbers)
    rule = ["---:" if at in right else "---" for at in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _top(view: StudyView, zone: tzinfo) -> list[str]:
    said = headline(view)
    where = f"Study {code(view.name)} ({code(view.id)}) of {code(view.repo)}"
    head = f" at {code(view.head[:12])}" if view.head else ""
    dirty = " with uncommitted changes" if view.is_dirty else ""
    when = f"{show_when(view.started_at_unix_s, zone)}, {show_quantity(view.wall_s, 's')}, {view.state.value}."
    return [f"# {plain(said.title)}", *(plain(text) for text in said.details), f"{where}{head}{dirty}.  \n{when}"]


def _winner(view: StudyView) -> list[str]:
    best = view.trial(view.best.number) if view.best is not None else None
    if best is None or view.best is None:
        return []
    rows = []
    for score in best.scores:
        is_first = score.name == view.first.name
        resolution, gain = resolution_of(view, score.name), view.best.gain if is_first else score.gain
        before = view.baseline.means.get(score.name) if view.baseline is not None else None
        after = view.best.mean if is_first else score.value
        values = [show_quantity(value, score.unit, resolution=resolution) for value in (before, after)]
        change = [show_change(gain, score.unit, resolution=resolution), show_floors(gain, view.floor(score.name))]
        how = f"{score.trust.value}: {code(score.source)}" if score.source else score.trust.value
        rows.append([code(score.name), *(plain(cell) for cell in [*values, *change]), how])
    head = ("objective", "baseline", f"trial {best.number}", "gain", "in noise floors", "how it was measured")
    return [
        f"## What won: trial {best.number}",
        code(view.best.reason, 400),
        table(head, rows, numbers=(1, 2, 3, 4)),
        *_patch(best),
    ]


def _patch(trial: TrialView, limit: int = DIFF_LINES) -> list[str]:
    lines = [line.text for line in diff_lines(trial.diff, limit)]
    if not lines:
        return ["No file differs from the base tree."]
    blocks, left_out = [fenced(lines, "diff")], line_count(trial.diff) - len(lines)
    if left_out > 0:
        blocks.append(f"{left_out} more lines: `nightlab trial diff {trial.number}`")
    return blocks


def _actions(view: StudyView) -> list[str]:
    blocks = ["## Which action won what"] if view.tallies or view.plugins else []
    if view.tallies:
        rows = [(code(name), *map(plain, rest)) for name, *rest in (tally_cells(view, t) for t in view.tallies)]
        blocks.append(table(TALLY_HEAD, rows, numbers=TALLY_NUMBERS))
    kept = [kept_cells(view, trial) for trial in kept_trials(view)] if view.tallies else []
    if kept:
        made = [(number, plain(gain), code(recipe, 400)) for number, gain, recipe in kept]
        blocks.append(table(KEPT_HEAD, made, numbers=(0, 1)))
    told = "\n".join(f"- {code(plugin_line(plugin), 400)}" for plugin in view.plugins)
    return [*blocks, *(["Plugins:", told] if told else [])]


def _ledger(view: StudyView) -> list[str]:
    if not view.ledger:
        return []
    spent, _ = total_seconds(view)
    rows = [
        (
            plain(row.category),
            show_quantity(row.seconds, "s"),
            show_percent(row.seconds, spent, sign=False),
            str(row.trials or ""),
            LEDGER_WORDS.get(row.category, ""),
        )
        for row in view.ledger_rows
    ]
    total = ("**all**", show_quantity(spent, "s"), show_percent(spent, spent, sign=False), str(len(view.trials)), "")
    head = ("spent on", "time", "share", "trials", "")
    return [
        "## Where the container time went",
        table(head, [*rows, total], numbers=(1, 2, 3)),
        plain(ledger_note(view)),
    ]


def _failures(view: StudyView) -> list[str]:
    groups = failure_groups(view.trials)
    if not groups:
        return []
    rows = [
        (group.verdict.value, code(group.example), _numbers(group.numbers), show_quantity(group.wall_s, "s"))
        for group in groups
    ]
    return ["## What failed and why", table(("verdict", "reason", "trials", "cost"), rows, numbers=(3,))]


def _gate(view: StudyView) -> list[str]:
    sentence = summary_sentence(view)
    if not sentence:
        return []
    blocks = ["## What the gate saw", plain(sentence)]
    found = seen(view)
    if found:
        rows = [(NONE if s.number is None else str(s.number), s.kind, code(s.text, GATE_CHARS)) for s in found]
        blocks.append(table(("trial", "kind", "what"), rows[:GATE_ROWS], numbers=(0,)))
        blocks += [f"{len(rows) - GATE_ROWS} more are in the JSON report."] if len(rows) > GATE_ROWS else []
    proofs = "\n".join(f"- {code(proof_line(proof), GATE_CHARS)}" for proof in view.proofs[:GATE_ROWS])
    blocks += ["Paired smoke runs:", proofs] if proofs else []
    hunks = [caught for caught in view.quarantined if caught.hunks]
    for caught in hunks[:GATE_HUNKS]:
        lines = [line.text for line in diff_lines(caught.hunks, DIFF_LINES)]
        blocks += [f"The smallest change of {code(caught.author)} that makes the difference:", fenced(lines, "diff")]
    had = inherited(view)
    if had:
        listed = "\n".join(f"- {code(finding_line(finding), GATE_CHARS)}" for finding in had[:GATE_ROWS])
        more = f"\n- and {len(had) - GATE_ROWS} more" if len(had) > GATE_ROWS else ""
        blocks += ["The base tree had these findings already; they block nothing:", listed + more]
    told = notes(view)
    return [*blocks, *(["\n".join(f"- {code(note, 400)}" for note in told[:GATE_ROWS])] if told else [])]


def _numbers(numbers: Sequence[int]) -> str:
    text = ", ".join(str(number) for number in numbers[:12])
    return f"{text} and {len(numbers) - 12} more" if len(numbers) > 12 else text


def _trials(view: StudyView) -> list[str]:
    if not view.trials:
        return []
    first, resolution = view.first, resolution_of(view, view.first.name)
    before = view.baseline.means.get(first.name) if view.baseline is not None else None
    rows = []
    for trial in view.trials:
        score = trial.score(first.name)
        value = show_quantity(score.value if score is not None else None, first.unit, resolution=resolution)
        trust = score.trust.value if score is not None and score.value is not None else ""
        gain = show_percent(gain_of(view, trial), before)
        memory, spent = show_quantity(trial.peak_memory_bytes, "bytes"), show_quantity(trial.wall_s, "s")
        said = [code(show_actions(trial)), plain(value), trust, gain, memory, spent]
        rows.append([str(trial.number), verdict_word(trial), *said])
    head = ("trial", "verdict", "what it tried", first.name.replace("_", r"\_"), "measured", "gain", "memory", "time")
    return ["## Every trial", table(head, rows, numbers=(0, 3, 5, 6, 7))]


def _patches(view: StudyView) -> list[str]:
    others = [trial for trial in view.trials if view.best is None or trial.number != view.best.number]
    shown = [trial for trial in others if trial.diff or trial.verdict in FAILURES]
    if not shown:
        return []
    limit = max(1, min(DIFF_LINES, PAGE_LINES // len(shown)))
    blocks = ["## The other trials, one by one"]
    for trial in shown:
        blocks.append(f"<details><summary>Trial {trial.number}, {verdict_word(trial)}</summary>")
        blocks += [code(trial.reason, 400)] if trial.reason else []
        blocks += [*_patch(trial, limit), *_log_tail(trial), "</details>"]
    return blocks


def _log_tail(trial: TrialView) -> list[str]:
    if trial.verdict not in FAILURES or not trial.log_excerpt:
        return []
    lines = [_inert(line, 200, keep="\t") for line in trial.log_excerpt.rstrip("\n").split("\n")[-LOG_LINES:]]
    return ["The end of its output:", fenced(lines, "text")]


def _facts(view: StudyView) -> list[str]:
    rows = [
        ("base tree", code(view.base_digest)),
        ("image", code(view.image_id)),
        ("isolation", code(", ".join(f"{key} {value}" for key, value in view.posture.items()), 400)),
        (
            "budget",
            f"{view.budget_trials} search trials, {show_quantity(view.budget_wall_s, 's')}, {view.slots} at a time",
        ),
        *(("objective", f"{o.direction.value} {code(o.name)}") for o in view.objectives),
        *(("constraint", f"{code(bound.name)} {plain(show_bound(bound))}") for bound in view.constraints),
        *((code(key), code(value, 400)) for key, value in view.config.items()),
    ]
    blocks = ["## How it was run", table(("what", "value"), rows)]
    if view.notes:
        blocks += ["## Notes", "\n".join(f"- {code(note, 400)}" for note in view.notes)]
    return blocks
