"""How the gate's facts are said, the same on every surface: drifts, writers with their evidence, fixes, smoke runs.

Text comes out as it went in: surfaces make it inert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.model.change import HOLD, Drift, Effect, Explanation, Fact, Fix, FixState, Where, Writer
from nightlab.controller.model.trial import Ending, Finding, GateReport, SmokeReport

NO_TOOL: Final = "no known tool makes this change"
NAMES_SHOWN: Final = 3
_LEVELS: Final = {
    "safe": "--fix",
    "unsafe": "--fix --unsafe-fixes",
    "safe+preview": "--preview --fix",
    "unsafe+preview": "--preview --fix --unsafe-fixes",
}
_WHERE: Final = {
    Where.DRAFT: "while the author worked",
    Where.TRANSFER: "between the commit and the sandbox",
    Where.SEALED: "after the seal",
    Where.RUN: "during the run",
}


def count(number: int, noun: str, plural: str = "") -> str:
    """Write "1 file", "3 files"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def some(names: Sequence[str], shown: int = NAMES_SHOWN) -> str:
    """Write the first few of many: "a, b, c and 4 more"."""
    told = ", ".join(names[:shown])
    return f"{told} and {len(names) - shown} more" if len(names) > shown else told


def finding_line(finding: Finding) -> str:
    """Write a finding as ruff does: "train.py:41:12: F821 Undefined name `WARMUP`"."""
    return f"{finding.path}:{finding.line}:{finding.column}: {finding.code} {finding.message}"


def command_of(writer: Writer) -> str:
    """Write the command that makes a known writer's change: "ruff check --select F401 --fix"."""
    rules = f" --select {','.join(writer.rules)}" if writer.rules else ""
    level = _LEVELS.get(writer.applicability, "") if writer.rules or writer.tool == "ruff check" else ""
    return " ".join(part for part in (writer.tool + rules, level, " ".join(writer.settings)) if part)


def evidence(writer: Writer, *, is_alone: bool = True) -> str:
    """Say what proves a writer and which other tools could have been it; of an unknown one, that nothing does.

    Args:
        writer: The writer.
        is_alone: Whether it explains all of its files' change, without another writer.
    """
    if not writer.tool:
        return NO_TOOL
    sameness = "exactly this change" if writer.is_exact else "this change up to layout, same AST"
    part = "" if is_alone else "its part of "
    sameness = sameness.removeprefix("exactly ") if part else sameness
    others = ", ".join(f"`{other}`" for other in writer.also[:NAMES_SHOWN])
    also = f"; so {'does' if len(writer.also) == 1 else 'do'} {others}" if others else ""
    return f"`{command_of(writer)}` makes {part}{sameness}{also}"


def writer_line(writer: Writer, explanation: Explanation) -> str:
    """Write who did it and the proof: "ruff:F401 (`ruff check --select F401 --fix` makes exactly this change)"."""
    return f"{writer.author} ({evidence(writer, is_alone=_is_alone(writer, explanation))})"


def writers_phrase(explanation: Explanation) -> str:
    """Write all writers: "writer: unknown (no known tool makes this change)"."""
    if not explanation.writers:
        return f"writer: unknown ({NO_TOOL})"
    noun = "writer" if len(explanation.writers) == 1 else "writers"
    return f"{noun}: " + "; ".join(writer_line(writer, explanation) for writer in explanation.writers)


def drift_line(drift: Drift) -> str:
    """Write a drift: what, where, when, what became of it, and who.

    "`SCALAR_LR` 0.5 -> 0.3, train.py:41, after the seal, rolled back before the launch; writer: unknown (...)"
    """
    explanation = drift.explanation
    what = explanation.headline or "something was written"
    more = sum(len(change.facts) for change in explanation.changes) - 1
    rest = f" and {count(more, 'more change')}" if more > 0 else ""
    if drift.is_rolled_back:
        fate = "not adopted" if drift.where is Where.DRAFT else "rolled back before the launch"
    else:
        fate = "not rolled back"
    return f"{what}{rest}, {_WHERE[drift.where]}, {fate}; {writers_phrase(explanation)}"


def fix_line(fix: Fix) -> str:
    """Write a fix and what became of it: "ruff:UP006 held back (may change behaviour): why; train.py:3 ..."."""
    facts = [str(fact) for change in fix.changes for fact in change.facts]
    why = f": {said}" if (said := fix_reason(fix)) else ""
    return f"{fix.author} {fix.state.value} ({fix.effect.value}){why}" + (f"; {some(facts)}" if facts else "")


def fix_reason(fix: Fix) -> str:
    """Return a fix's reason without what its effect says already."""
    return fix.reason.removeprefix(HOLD).removeprefix(": ") if fix.effect is Effect.BEHAVIOUR else fix.reason


def smoke_line(smoke: SmokeReport) -> str:
    """Write a smoke run: "finished in 4.2 s, peak memory 1.1 GiB"."""
    memory = "" if smoke.peak_memory_bytes is None else f", peak memory {show_bytes(smoke.peak_memory_bytes)}"
    gpu = "" if smoke.peak_gpu_bytes is None else f", GPU memory {show_bytes(smoke.peak_gpu_bytes)}"
    why = f": {smoke.reason}" if smoke.reason else ""
    word = smoke.ending.value if smoke.ending is not Ending.FINISHED else "passed"
    return f"{word} after {show_seconds(smoke.run_s)}{memory}{gpu}{why}"


def target_line(gate: GateReport) -> str:
    """Write what ruff read and for which Python: "12 files, as Python 3.11 (from the interpreter)"."""
    source = f" (from {gate.target_source})" if gate.target_source else ""
    version = gate.target_version.removeprefix("py")
    python = f", as Python {version[:1]}.{version[1:]}{source}" if len(version) > 1 else ""
    return f"{count(gate.linted_files, 'file')} linted{python}"


def seal_line(gate: GateReport) -> str:
    """Say whether what ran was what was sealed."""
    if not gate.digest_inside:
        return "nothing was launched"
    if gate.digest_inside != gate.digest_outside or gate.drift:
        return "what ran was NOT what was sealed"
    return "launched as sealed"


def gate_lines(gate: GateReport) -> Iterator[tuple[str, bool]]:
    """Say what a trial's gate saw, line by line, each with whether it is bad."""
    for finding in gate.blocking[:20]:
        yield finding_line(finding), True
    for drift in gate.drifts:
        yield drift_line(drift), not drift.is_rolled_back
    yield from ((f"not as sealed: {path}", True) for path in gate.drift[:20])
    yield from ((f"would be imported in place of what was sealed: {path}", True) for path in gate.shadowing[:20])
    yield from ((fix_line(fix), False) for fix in gate.fixes[:40])
    if gate.smoke is not None:
        yield f"smoke run {smoke_line(gate.smoke)}", gate.smoke.ending is not Ending.FINISHED
    yield from ((note, False) for note in gate.notes[:20])


def fact_lines(facts: Iterable[Fact], limit: int) -> tuple[list[str], int]:
    """Return the first facts as lines, and how many were left out."""
    lines = [str(fact) for fact in facts]
    return lines[:limit], max(0, len(lines) - limit)


def fixes_by_state(fixes: Iterable[Fix], state: FixState) -> tuple[Fix, ...]:
    """Return the fixes of one state."""
    return tuple(fix for fix in fixes if fix.state is state)


def _is_alone(writer: Writer, explanation: Explanation) -> bool:
    others = [other for other in explanation.writers if other is not writer]
    return not any(set(writer.paths) & set(other.paths) for other in others)
