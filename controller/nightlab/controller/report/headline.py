"""Decides what is worth saying first about a study, from its view alone: the outcome, why, and what failed.

Surfaces only set these words; the verdicts themselves were given by the keep rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nightlab.controller.config.units import show_seconds
from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.report._inert import _inert
from nightlab.controller.report.view import FAILURES, BestView, StudyView, TrialView
from nightlab.controller.report.words import (
    TIMES,
    resolution_of,
    show_move,
    show_percent,
    show_quantity,
    show_range,
    signed,
)


class Tone(StrEnum):
    """How the headline should feel."""

    GOOD = "good"
    PLAIN = "plain"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Headline:
    """The outcome in one line, and the reasons in a few sentences. Both are inert text."""

    title: str
    details: tuple[str, ...]
    tone: Tone


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Trials that failed alike. `example` is the reason of the first; `wall_s` is what they cost together."""

    verdict: Verdict
    example: str
    numbers: tuple[int, ...]
    wall_s: float


def headline(view: StudyView) -> Headline:
    """Say what came of a study."""
    if view.best is not None:
        return _winner(view, view.best)
    why = _why_no_gain(view)
    if not view.is_over:
        return Headline("No confirmed gain yet", (f"The study is {view.state.value}.", *why), Tone.PLAIN)
    if view.baseline is None and view.trials:
        return Headline("No confirmed gain: the baseline does not run", why, Tone.BAD)
    return Headline("No confirmed gain", why, Tone.PLAIN)


def failure_groups(trials: Iterable[TrialView]) -> tuple[FailureGroup, ...]:
    """Group failed trials by verdict and signature, the dearest group first."""
    groups: dict[tuple[Verdict, str], list[TrialView]] = {}
    for trial in trials:
        if trial.verdict is not None and trial.verdict in FAILURES:
            key = trial.signature or fold(trial.reason)
            groups.setdefault((trial.verdict, key), []).append(trial)
    found = [
        FailureGroup(verdict, members[0].reason, tuple(t.number for t in members), sum(t.wall_s for t in members))
        for (verdict, _), members in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.wall_s, group.numbers)))


def fold(reason: str) -> str:
    """Fold numbers, addresses and directories of a reason, so that like reasons become equal."""
    text = re.sub(r"(?:/[^\s/'\"]+)+/", "", reason)
    return re.sub(r"0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?", "#", text, flags=re.IGNORECASE)


def top_single_run(view: StudyView) -> TrialView | None:
    """Return the feasible search trial whose one run gained most in the first objective, if any has a gain at all."""
    scored = [(gain_of(view, trial), trial) for trial in view.by_role(Role.SEARCH) if trial.is_feasible]
    known = [(gain, trial) for gain, trial in scored if gain is not None]
    return max(known, key=lambda pair: (pair[0], -pair[1].number))[1] if known else None


def gain_of(view: StudyView, trial: TrialView) -> float | None:
    """Return a trial's gain in the first objective, above 0 is better, None if unknown."""
    score = trial.score(view.first.name)
    return score.gain if score is not None else None


def memory_change(view: StudyView, trial: TrialView | None) -> str:
    """Say how a trial's peak memory compares with the baseline's; empty if either is unknown."""
    before = view.baseline.peak_memory_bytes if view.baseline is not None else None
    after = trial.peak_memory_bytes if trial is not None else None
    if before is None or after is None:
        return ""
    percent = show_percent(after - before, before)
    return f"Peak memory {show_move(before, after, 'bytes')} ({percent})."


def _winner(view: StudyView, best: BestView) -> Headline:
    first, resolution = view.first, resolution_of(view, view.first.name)
    before = view.baseline.means.get(first.name) if view.baseline is not None else None
    lower = first.direction is Direction.MINIMIZE
    change = -best.gain if lower else best.gain
    verb = "lowers" if lower else "raises"
    title = (
        f"Trial {best.number} {verb} {first.name} by {show_quantity(best.gain, first.unit, resolution=resolution)}"
        f" ({show_percent(change, before)})"
    )
    values = f"{show_move(before, best.mean, first.unit, resolution=resolution)}, mean of {_runs(best.runs)}."
    details = (values, _against_floor(view, best), memory_change(view, view.trial(best.number)))
    return Headline(title, tuple(text for text in details if text), Tone.GOOD)


def _against_floor(view: StudyView, best: BestView) -> str:
    first, floor = view.first, view.floor(view.first.name)
    resolution = resolution_of(view, first.name)
    interval = ""
    if best.low is not None and best.high is not None:
        ends = show_range(best.low, best.high, first.unit, resolution=resolution)
        interval = f"he gain lies between {ends}."
    if floor is None or not floor.threshold:
        return interval and "T" + interval
    limit = show_quantity(floor.threshold, first.unit, resolution=resolution)
    size = f"That is {best.gain / floor.threshold:.1f}{TIMES} the noise floor of {limit}"
    return f"{size}; t{interval}" if interval else f"{size}."


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _why_no_gain(view: StudyView) -> tuple[str, ...]:
    ended = [trial for trial in view.trials if trial.verdict is not None]
    why = [_stopped(view)] if view.state_reason else []
    if not ended:
        return (*why, "No trial has ended." if view.trials else "No trial was run.")
    if view.baseline is None:
        return (*why, *_no_baseline(ended))
    floor = view.floor(view.first.name)
    if floor is None or floor.threshold is None:
        why.append(
            "The noise floor is unknown, so no gain can be told from luck: name the seed under [noise.seed] "
            "and let the baseline repeat at least twice."
        )
    why.append(_closest(view))
    return tuple(why)


def _stopped(view: StudyView) -> str:
    return f"The study ended early: {_inert(view.state_reason, 400)}"


def _no_baseline(ended: list[TrialView]) -> tuple[str, ...]:
    groups = failure_groups(ended)
    if not groups:
        return ("The baseline has no score, so there is nothing to compare with.",)
    group = groups[0]
    reason = _inert(group.example, 400) or group.verdict.value
    way_out = f"`nightlab trial logs {group.numbers[0]}` shows what it printed"
    if group.verdict is Verdict.INFEASIBLE:
        way_out = f"give it more memory (train.memory), or less to do; {way_out}"
    return (
        f"The baseline never reached a score: {reason}.",
        f"Nothing can be compared until the unchanged repo runs: {way_out}.",
    )


def _closest(view: StudyView) -> str:
    top = top_single_run(view)
    gain = gain_of(view, top) if top is not None else None
    if not view.by_role(Role.SEARCH):
        return "No search trial was run."
    if top is None or gain is None:
        return "No search trial reached a score."
    if gain <= 0:
        return f"No trial was better than the baseline; trial {top.number} came closest."
    first, floor = view.first, view.floor(view.first.name)
    size = show_quantity(gain, first.unit, resolution=resolution_of(view, first.name))
    start = f"The best single run was trial {top.number}, better by {size}"
    if floor is None or not floor.threshold:
        return f"{start}."
    share = f"{signed(gain, f'{gain / floor.threshold:.1f}')}{TIMES} the noise floor"
    if gain <= floor.threshold:
        return f"{start}: {share}, so it may be luck."
    verdict = _inert(top.reason, 300) or "it was not confirmed by further runs"
    return f"{start}: {share}, but {verdict}" + ("" if verdict.endswith(".") else ".")


def total_seconds(view: StudyView) -> tuple[float, float]:
    """Return (the ledger's sum, wall time x slots), both in seconds; a sound ledger has them equal."""
    return sum(row.seconds for row in view.ledger), view.night_s * view.slots


def ledger_note(view: StudyView) -> str:
    """Say what the ledger sums to, and whether that is all of the time there was."""
    spent, there = total_seconds(view)
    text = f"{show_seconds(spent)} of container time; the night had {show_seconds(view.night_s)} {TIMES} {view.slots}"
    text += " slot" if view.slots == 1 else " slots"
    gap = spent - there
    if there and abs(gap) > 0.01 * there:
        return f"{text}, so {show_seconds(abs(gap))} are {'unaccounted for' if gap < 0 else 'counted twice'}."
    return f"{text}."
