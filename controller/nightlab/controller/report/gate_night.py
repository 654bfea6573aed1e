"""What the gate saw in a whole night: counts, and the few things that a person should read in the morning.

Silent where nothing happened but for one sentence. Surfaces make the text inert.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.units import show_seconds
from nightlab.controller.model.change import Drift, Effect, FixState
from nightlab.controller.model.trial import Ending, Finding, GateReport
from nightlab.controller.report.gate_view import ProofView, QuarantineView
from nightlab.controller.report.gate_words import count, drift_line, fact_lines, fix_line, smoke_line, some
from nightlab.controller.report.view import StudyView

LISTED: Final = 40


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing of the night: whose trial, what it is, and a line; `is_bad` where something ran that should not."""

    number: int | None
    kind: str
    text: str
    is_bad: bool = False


def launches(view: StudyView) -> tuple[int, int]:
    """Return (launches, those that were verified inside and after the run) over each trial's last attempt."""
    gates = [trial.gate for trial in view.trials if trial.gate is not None and (_ran(trial.gate))]
    return len(gates), sum(1 for gate in gates if _verified(gate))


def summary_sentence(view: StudyView) -> str:
    """Say the night in one sentence: "41 launches, all verified; nothing else wrote."."""
    started, verified = launches(view)
    if not started and not any(trial.gate for trial in view.trials):
        return ""
    sure = "all verified" if verified == started else f"{verified} verified, {started - verified} not as sealed"
    first = f"{count(started, 'launch', 'launches')}, {sure}" if started else "nothing was launched"
    return "; ".join([first, *filter(None, _happened(view))]) + "."


def seen(view: StudyView) -> tuple[Seen, ...]:
    """List what is worth reading, the gravest first."""
    found = [*_quarantined(view), *_drifted(view), *_shadowed(view), *_stopped(view), *_fixed(view), *_smoked(view)]
    return tuple(sorted(found, key=lambda item: not item.is_bad))


def inherited(view: StudyView) -> tuple[Finding, ...]:
    """Return what the base tree had already, once for the whole night."""
    gates = (trial.gate for trial in view.trials if trial.gate is not None)
    return next((gate.inherited for gate in gates if gate.inherited), ())


def notes(view: StudyView) -> tuple[str, ...]:
    """Return the gate's notes, each once."""
    told = (note for trial in view.trials if trial.gate is not None for note in trial.gate.notes)
    return tuple(dict.fromkeys(told))


def drifts(view: StudyView) -> tuple[tuple[int, Drift], ...]:
    """Return every drift with its trial."""
    return tuple((t.number, drift) for t in view.trials if t.gate is not None for drift in t.gate.drifts)


def quarantine_line(caught: QuarantineView) -> str:
    """Say what was caught: "ruff:SIM108 is in quarantine: val_bpb 3.31 -> nan, on trial 12; 14 min 02 s were lost"."""
    what = f": {caught.evidence}" if caught.evidence else ""
    where = f", caught on trial {caught.trial}" if caught.trial is not None else " since an earlier study"
    lost = f"; {show_seconds(caught.lost_s)} of container time were lost" if caught.lost_s else ""
    return f"{caught.author} is in quarantine{what}{where}{lost}"


def proof_line(proof: ProofView) -> str:
    """Say what paired runs found: "ruff:F841 in train.py: no difference seen in 40 lines of 4 runs"."""
    if not proof.is_ended:
        return f"{proof.subject}: paired smoke runs have not ended"
    if proof.differs is None:
        return f"{proof.subject}: paired smoke runs cannot tell" + (f" ({proof.evidence})" if proof.evidence else "")
    guilty = f"; guilty: {some(proof.guilty)}" if proof.guilty else ""
    word = "makes a difference: " if proof.differs else ""
    return f"{proof.subject}: {word}{proof.evidence or 'no difference seen'}{guilty}"


def _ran(gate: GateReport) -> bool:
    return bool(gate.digest_inside or gate.drift)


def _verified(gate: GateReport) -> bool:
    return gate.digest_inside == gate.digest_outside and not gate.drift and not gate.shadowing


def _happened(view: StudyView) -> Iterator[str]:
    gates = [trial.gate for trial in view.trials if trial.gate is not None]
    wrote = [drift for gate in gates for drift in gate.drifts]
    back = sum(1 for drift in wrote if drift.is_rolled_back)
    yield f"{count(back, 'change')} by others rolled back" if back else "" if wrote else "nothing else wrote"
    yield f"{count(len(wrote) - back, 'change')} by others not rolled back" if len(wrote) > back else ""
    stopped = sum(1 for gate in gates if gate.blocking)
    yield f"{count(stopped, 'trial')} stopped by ruff" if stopped else ""
    for state in FixState:
        fixes = sum(1 for gate in gates for fix in gate.fixes if fix.state is state)
        yield f"{count(fixes, 'fix', 'fixes')} {state.value}" if fixes else ""
    smokes = [gate.smoke for gate in gates if gate.smoke is not None]
    failed = sum(1 for smoke in smokes if smoke.ending is not Ending.FINISHED)
    yield count(len(smokes), "smoke run") + (f", {failed} failed" if failed else "") if smokes else ""
    yield f"{count(len(view.quarantined), 'author')} in quarantine" if view.quarantined else ""


def _quarantined(view: StudyView) -> Iterator[Seen]:
    for caught in view.quarantined:
        yield Seen(caught.trial, "quarantine", quarantine_line(caught), is_bad=True)


def _drifted(view: StudyView) -> Iterator[Seen]:
    """Drifts that may change behaviour before those that do not."""
    told = sorted(drifts(view), key=lambda pair: pair[1].explanation.effect is not Effect.BEHAVIOUR)
    for number, drift in told[:LISTED]:
        yield Seen(number, "drift", drift_line(drift), is_bad=not drift.is_rolled_back)


def _shadowed(view: StudyView) -> Iterator[Seen]:
    for trial in view.trials:
        if trial.gate is not None and trial.gate.shadowing:
            yield Seen(trial.number, "shadowing", some(trial.gate.shadowing), is_bad=True)


def _stopped(view: StudyView) -> Iterator[Seen]:
    for trial in view.trials:
        if trial.gate is not None and trial.gate.blocking:
            first = trial.gate.blocking[0]
            more = len(trial.gate.blocking) - 1
            rest = f" and {count(more, 'more finding')}" if more else ""
            yield Seen(trial.number, "ruff", f"{first.code} {first.message}, {first.path}:{first.line}{rest}")


def _fixed(view: StudyView) -> Iterator[Seen]:
    """A fix that many trials carry is one line, with its first trial."""
    told: dict[tuple[str, FixState, tuple[str, ...]], Seen] = {}
    for trial in view.trials:
        for fix in trial.gate.fixes if trial.gate is not None else ():
            if fix.state is not FixState.APPLIED:
                facts = tuple(fact_lines((f for change in fix.changes for f in change.facts), LISTED)[0])
                told.setdefault((fix.author, fix.state, facts), Seen(trial.number, fix.state.value, fix_line(fix)))
    yield from list(told.values())[:LISTED]


def _smoked(view: StudyView) -> Iterator[Seen]:
    for trial in view.trials:
        smoke = trial.gate.smoke if trial.gate is not None else None
        if smoke is not None and smoke.ending is not Ending.FINISHED:
            yield Seen(trial.number, "smoke run", smoke_line(smoke))
