"""Renders the gate on a working tree for a terminal, in the look of pre-commit: a line per check, then the details.

All text of the repo passes `_inert`; no markup is read from it. What the sentences say is `report.gate_words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from nightlab.controller.config.units import show_seconds
from nightlab.controller.model.change import Effect, Explanation, FileChange, Fix, FixState
from nightlab.controller.model.trial import Ending, Finding, SmokeReport
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.gate_view import Check, CheckState, InspectionView, SinceView
from nightlab.controller.report.gate_words import (
    count,
    drift_line,
    finding_line,
    fix_reason,
    fixes_by_state,
    smoke_line,
    target_line,
    writer_line,
)
from nightlab.controller.report.tables import diff_text

WIDTH: Final = 79
FINDINGS_SHOWN: Final = 50
FACTS_SHOWN: Final = 12
FILES_SHOWN: Final = 40
SOURCE_CHARS: Final = 160
STATE_STYLES: Final = {
    CheckState.PASSED: "black on green",
    CheckState.FAILED: "white on red",
    CheckState.HELD_BACK: "black on yellow",
    CheckState.SKIPPED: "black on cyan",
}
_EFFECT_STYLES: Final = {Effect.SAME_PROGRAM: "green", Effect.DOCSTRING: "cyan", Effect.BEHAVIOUR: "yellow"}


def gate_page(view: InspectionView, *, is_quiet: bool = False, with_diff: bool = True) -> RenderableType:
    """Show the checks and, of those that did not pass, why.

    Args:
        view: The gate; its texts need not be trusted.
        is_quiet: Leave out what passed or was skipped.
        with_diff: Show the diffs of fixes.
    """
    good = (CheckState.PASSED, CheckState.SKIPPED)
    parts: list[RenderableType] = [_line(c) for c in view.checks if not (is_quiet and c.state in good)]
    parts += _findings(view)
    parts += _drifts(view)
    parts += _fixes(view, with_diff=with_diff)
    parts += _smoke(view.gate.smoke)
    if not is_quiet:
        parts += _against_base(view)
        parts += _notes((*view.gate.notes, *view.explanation.notes))
    return Group(*parts)


def since_page(view: SinceView, *, with_diff: bool = False) -> RenderableType:
    """Show what changed since a commit, and who did it."""
    name, commit = _inert(view.base.name, 80), view.base.commit[:12]
    head = name if commit.startswith(name) else f"{name} ({commit})"
    if not view.explanation.changes:
        return Group(Text(f"nothing changed since {head}", style="bold"), *_notes(view.notes))
    files = count(len(view.explanation.changes), "file")
    parts: list[RenderableType] = [Text(f"{files} changed since {head}", style="bold")]
    parts += _explained(view.explanation, with_diff=with_diff)
    return Group(*parts, *_notes((*view.notes, *view.explanation.notes)))


def _line(check: Check) -> Text:
    reason = f"({_inert(check.reason, 48)})" if check.reason else ""
    word = check.state.value.capitalize()
    dots = "." * max(3, WIDTH - len(check.name) - len(reason) - len(word))
    return Text(f"{check.name}{dots}{reason}", no_wrap=True, overflow="ignore").append(word, STATE_STYLES[check.state])


def _findings(view: InspectionView) -> Iterator[RenderableType]:
    found = view.gate.blocking
    if found:
        yield _title(f"{count(len(found), 'finding')} that {'block' if len(found) > 1 else 'blocks'} a launch")
    for finding in found[:FINDINGS_SHOWN]:
        yield Text(_inert(finding_line(finding), 600), style="red")
        yield from _caret(finding, view.sources.get(f"{finding.path}:{finding.line}", ""))
    if len(found) > FINDINGS_SHOWN:
        yield Text(f"and {count(len(found) - FINDINGS_SHOWN, 'more finding')}; --json has them all", style="dim")


def _caret(finding: Finding, source: str) -> Iterator[Text]:
    """The source line and a caret under what is meant; escapes before it move the caret."""
    line = source.rstrip("\r\n")
    if not line.strip():
        return
    cut = max(0, min(finding.column - 1, len(line)))
    start = max(0, cut - SOURCE_CHARS // 2)
    before = _inert(line[start:cut].replace("\t", "    "))
    width = _span(finding, line, cut)
    inside = _inert(line[cut : cut + width].replace("\t", "    "), SOURCE_CHARS)
    after = _inert(line[cut + width : start + SOURCE_CHARS].replace("\t", "    "))
    margin = f"{finding.line:>5} | "
    shown = Text(margin, style="dim", no_wrap=True, overflow="ellipsis")
    yield shown.append(before, "default not dim").append(inside, "bold not dim").append(after, "default not dim")
    yield Text(" " * 5 + " | " + " " * len(before) + "^" * max(1, len(inside)), style="red", no_wrap=True)


def _span(finding: Finding, line: str, cut: int) -> int:
    """How many characters are meant: to the finding's end, else the name that begins there."""
    if finding.end_line == finding.line and finding.end_column > finding.column:
        return min(finding.end_column - finding.column, len(line) - cut)
    end = cut
    while end < len(line) and (line[end].isalnum() or line[end] == "_"):
        end += 1
    return max(1, end - cut)


def _drifts(view: InspectionView) -> Iterator[RenderableType]:
    if view.gate.drifts:
        yield _title("something wrote while the gate ran")
    for drift in view.gate.drifts:
        yield Text(_inert(drift_line(drift), 800), style="red")
        yield from _diffs(drift.explanation.changes)


def _fixes(view: InspectionView, *, with_diff: bool) -> Iterator[RenderableType]:
    held = fixes_by_state(view.gate.fixes, FixState.HELD_BACK)
    fine = [fix for fix in view.gate.fixes if fix.state is not FixState.HELD_BACK]
    if fine:
        yield _title("fixes applied" if view.written else "fixes that may be applied (--write does)")
        for fix in fine:
            yield from _fix(fix, with_diff=with_diff and not view.written)
    if held:
        yield _title("fixes held back")
        for fix in held:
            yield from _fix(fix, with_diff=with_diff)
    if view.written:
        yield Text(f"\nwrote {', '.join(_inert(path, 120) for path in view.written[:20])}", style="bold")


def _fix(fix: Fix, *, with_diff: bool) -> Iterator[RenderableType]:
    head = Text(_inert(fix.author, 120), style="bold").append("  ").append(fix.effect.value, _EFFECT_STYLES[fix.effect])
    why = fix_reason(fix)
    yield head.append(f"  {_inert(why, 400)}" if why else "", "not bold default")
    facts = [fact.text for change in fix.changes for fact in change.facts]
    if not (len(facts) == 1 and facts[0] in fix.reason):  # the reason has said it
        yield from _facts_of(fix.changes)
    if with_diff:
        yield from _diffs(fix.changes)


def _smoke(smoke: SmokeReport | None) -> Iterator[RenderableType]:
    if smoke is None or smoke.ending is Ending.FINISHED:
        return
    yield _title(f"smoke run {_inert(smoke_line(smoke), 400)}")
    yield from (Text("  " + _inert(line, 300), style="dim", no_wrap=True, overflow="ellipsis") for line in smoke.tail)


def _against_base(view: InspectionView) -> Iterator[RenderableType]:
    if view.base.why_none or not view.explanation.changes:
        return
    yield _title(f"changed against {_inert(view.base.name, 80)}")
    yield from _explained(view.explanation, with_diff=False)


def _explained(explanation: Explanation, *, with_diff: bool) -> Iterator[RenderableType]:
    shown = explanation.changes[:FILES_SHOWN]
    for change in shown:
        yield _file_head(change)
        yield from _facts_of((change,), with_path=False)
        if with_diff:
            yield from _diffs((change,))
    left = len(explanation.changes) - len(shown)
    if left:
        yield Text(f"  and {count(left, 'more file')}; --json has them all", style="dim")
    yield from _writers(explanation)


def _file_head(change: FileChange) -> Text:
    return Text(f"  {_inert(change.path, 200)}  ", style="bold").append(
        change.effect.value, f"not bold {_EFFECT_STYLES[change.effect]}"
    )


def _facts_of(changes: Iterable[FileChange], *, with_path: bool = True) -> Iterator[Text]:
    for change in changes:
        for fact in change.facts[:FACTS_SHOWN]:
            place = f", line {fact.line}" if fact.line is not None else ""
            yield Text(_inert(f"    {fact}" if with_path else f"    {fact.text}{place}", 500))
        if len(change.facts) > FACTS_SHOWN:
            yield Text(f"    and {count(len(change.facts) - FACTS_SHOWN, 'more change')}", style="dim")


def _writers(explanation: Explanation) -> Iterator[RenderableType]:
    if not explanation.writers:
        return
    yield Text("who did it:", style="bold")
    for writer in explanation.writers:
        files = f", in {count(len(writer.paths), 'file')}" if len(explanation.changes) > 1 else ""
        style = "" if writer.tool else "yellow"
        yield Text(_inert(f"  {writer_line(writer, explanation)}{files}", 500), style=style)
    known = [writer for writer in explanation.writers if writer.tool]
    if known and explanation.unexplained:
        yield Text("  left over, by nobody known:", style="yellow")
        facts = explanation.unexplained[:FACTS_SHOWN]
        yield from (Text(_inert(f"    {fact}", 500), style="yellow") for fact in facts)


def _diffs(changes: Iterable[FileChange]) -> Iterator[Text]:
    yield from (diff_text(change.diff) for change in changes if change.diff)


def _notes(notes: Iterable[str]) -> Iterator[RenderableType]:
    told = list(dict.fromkeys(notes))
    if told:
        yield _title("notes")
    yield from (Text(_inert(f"  {note}", 600)) for note in told[:20])


def closing_line(view: InspectionView) -> str:
    """Say in one line what was looked at, for the end of the output."""
    base = f"against {view.base.name} ({view.base.commit[:12]})" if view.base.commit else view.base.why_none
    return f"{count(view.files, 'file')}, {target_line(view.gate)}, {base}, in {show_seconds(view.wall_s)}"


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")
