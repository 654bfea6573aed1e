"""A gate that answers without running anything, right or wrong on purpose, so that the measurement can be tested."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nightlab.controller.bench.gate.cases import ENTRY, Case, Kind, Program
from nightlab.controller.bench.gate.gate import Launch, Moment, Order, Pairing, Rogue, WantedFix
from nightlab.controller.bench.gate.meddling import written
from nightlab.controller.model.change import Drift, Effect, Explanation, Fact, FileChange, Where, Writer
from nightlab.controller.model.trial import Ending, Finding

BUG = Finding("F821", ENTRY, 1, 1, "Undefined name")


@dataclass
class AnsweringGate:
    """Answers as a gate without a fault would; its subclasses have one fault each."""

    cases: dict[str, Case] = field(default_factory=dict)

    async def launch(self, program: Program, rogue: Rogue | None = None, *, is_base: bool = True) -> Launch:
        """Run what was proposed; say what was written."""
        if not is_base:
            return self.judged(program)
        ran = Launch(Ending.FINISHED, (result_of(program.files),), is_as_sealed=True)
        if rogue is None or (rogue.restores and rogue.moment is not Moment.RUN):
            return ran
        if rogue.moment is Moment.RUN:
            return replace(ran, ending=Ending.NOT_AS_SEALED)
        return replace(ran, drifts=(self.told(program, rogue),))

    def told(self, program: Program, rogue: Rogue) -> Drift:
        """Name the writer."""
        text = " ".join(f"{before} -> {after}" for before, after in _numbers(program, rogue)) or "something"
        facts = tuple(Fact(path, 1, text) for path in rogue.files)
        changes = tuple(FileChange(path, Effect.BEHAVIOUR, (Fact(path, 1, text),)) for path in rogue.files)
        known = self.writer(self.cases.get(program.name), tuple(rogue.files))
        return Drift(Where.SEALED, Explanation(changes, (known,), () if known.tool else facts), True)

    def writer(self, case: Case | None, paths: tuple[str, ...]) -> Writer:
        """Name the tool of a case and its first rule."""
        if case is None or case.kind is Kind.OUT_OF_BAND:
            return Writer("", paths)
        if case.tool == "ruff":
            return (
                Writer("ruff check", paths, case.rules) if case.rules != ("format",) else Writer("ruff format", paths)
            )
        return Writer(case.tool, paths)

    def judged(self, program: Program) -> Launch:
        """Find the bug of an edit where a rule sees it."""
        case = self.cases[program.name]
        if case.expect_rule != "NONE":
            return Launch(Ending.GATE_REJECTED, blocking=(BUG,), reason="a bug")
        return Launch(Ending.FINISHED, ("result: 1",), is_as_sealed=True)

    async def wanted(self, program: Program, order: Order) -> Sequence[WantedFix]:
        """Make one fix."""
        return [WantedFix("ruff:X", Effect.BEHAVIOUR, {ENTRY: program.files[ENTRY] + b"# fixed\n"})]

    async def classify(self, before: Program, after: Program) -> Effect:
        """Never trust."""
        return Effect.BEHAVIOUR

    async def pair(self, before: Program, after: Program) -> Pairing:
        """Tell the harmful from the harmless."""
        return Pairing(self.cases[before.name].kind is Kind.LINT)

    async def smoke(self, program: Program) -> Launch:
        """Crash where the corpus says so."""
        case = self.cases[program.name]
        if case.kind is Kind.BUG and case.effect == "crash":
            return Launch(Ending.FAILED, reason="a crash")
        return Launch(Ending.FINISHED, (result_of(program.files),), is_as_sealed=True)


def result_of(files: object) -> str:
    """Return a result that tells contents apart."""
    return f"result: {hash(repr(sorted(dict(files).items())))}"  # type: ignore[call-overload]


def _numbers(program: Program, rogue: Rogue) -> list[tuple[str, str]]:
    after = written(program.files, rogue)
    pairs = ((program.files.get(path, b"").decode(), after.get(path, b"").decode()) for path in rogue.files)
    found = [zip(_words(before), _words(later), strict=False) for before, later in pairs]
    return [pair for each in found for pair in each if pair[0] != pair[1]]


def _words(text: str) -> list[str]:
    return re.findall(r"[\w.+-]+|[^\w\s]", text)


class NeverRollsBack(AnsweringGate):
    """Launches whatever lies there."""

    async def launch(self, program: Program, rogue: Rogue | None = None, *, is_base: bool = True) -> Launch:
        told = await super().launch(program, rogue, is_base=is_base)
        if rogue is None:
            return told
        return replace(told, lines=(result_of(written(program.files, rogue)),), ending=Ending.FINISHED)


class NoticesNothing(AnsweringGate):
    """Rolls back and does not say so."""

    async def launch(self, program: Program, rogue: Rogue | None = None, *, is_base: bool = True) -> Launch:
        return replace(await super().launch(program, rogue, is_base=is_base), drifts=())


class CriesWolf(AnsweringGate):
    """Sees a writer where there is none."""

    async def launch(self, program: Program, rogue: Rogue | None = None, *, is_base: bool = True) -> Launch:
        told = await super().launch(program, rogue, is_base=is_base)
        return replace(told, drifts=told.drifts or (self.told(program, Rogue(Moment.SEALED, {ENTRY: b"1"})),))


class BlamesALinter(AnsweringGate):
    """Calls everything F401."""

    def writer(self, case: Case | None, paths: tuple[str, ...]) -> Writer:
        return Writer("ruff check", paths, ("F401",))


class KnowsNobody(AnsweringGate):
    """Calls everything unknown."""

    def writer(self, case: Case | None, paths: tuple[str, ...]) -> Writer:
        return Writer("", paths)


class LintsNothing(AnsweringGate):
    """Launches every bug."""

    def judged(self, program: Program) -> Launch:
        return Launch(Ending.FINISHED, ("result: 1",), is_as_sealed=True)


class SmokesNothing(AnsweringGate):
    """Calls every smoke run a success."""

    async def smoke(self, program: Program) -> Launch:
        return Launch(Ending.FINISHED, (result_of(program.files),), is_as_sealed=True)


class TrustsEveryFix(AnsweringGate):
    """Applies whatever is wanted."""

    async def wanted(self, program: Program, order: Order) -> Sequence[WantedFix]:
        return [replace(fix, effect=Effect.SAME_PROGRAM) for fix in await super().wanted(program, order)]


class TrustsNoFix(AnsweringGate):
    """Holds everything back."""

    async def pair(self, before: Program, after: Program) -> Pairing:
        return Pairing(None, "cannot tell")
