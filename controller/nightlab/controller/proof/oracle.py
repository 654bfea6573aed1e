"""Whether two trees do the same, as far as a few short runs can tell.

First the runs of one tree among each other (A/A): what differs there is noise. Then another tree's run against them
(A/B). No answer is ever "the same": only that no difference was seen, in so many lines of so many runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.model.trial import Ending
from nightlab.controller.proof.lines import Line, read_lines
from nightlab.controller.proof.noise import Key, LineNoise
from nightlab.controller.proof.observation import Observation
from nightlab.controller.proof.series import SeriesFloor
from nightlab.controller.text import inert

SHOWN_CHARACTERS: Final = 120
LEAST_COMPARABLE: Final = 0.5  # of the lines, where no quantity is measured
HANG_FACTOR: Final = 4.0  # of the time that it took before; and
HANG_S: Final = 5.0  # more than this
OUTPUT: Final = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing one run with the floor.

    Attributes:
        differs: None: cannot tell, and `evidence` says why.
        evidence: One line: what differs first, the most telling kind of difference before others.
        lines: How many lines were compared.
        is_plain: Whether it differs where runs of the same tree agree as a whole: another run of it tells no more.
    """

    differs: bool | None
    evidence: str
    lines: int = 0
    is_plain: bool = False


class Floor:
    """What runs of one tree have in common, and what is noise among them."""

    def __init__(self, first: Observation, second: Observation) -> None:
        self._runs = [first, second]
        self._learn()

    def widen(self, another: Observation) -> None:
        """Take one more run of the same tree into account."""
        self._runs.append(another)
        self._learn()

    @property
    def runs(self) -> int:
        """How many runs it rests on."""
        return len(self._runs)

    @property
    def is_silent(self) -> bool:
        """Whether the runs agree in everything that was seen."""
        return not self.problem and all(n.is_silent for n in self._noise.values()) and not self._spreads()

    @property
    def problem(self) -> str:
        """Why nothing can be told from these runs, in one line; empty if something can."""
        unusable = next((run for run in self._runs if not run.is_usable), None)
        if unusable is not None:
            return f"a run of the tree before the change was {unusable.ending.value}"
        hows = {_class(run): run.how for run in self._runs}
        if len(hows) > 1:
            return f"runs of the same tree end differently: {inert('; '.join(hows.values()), SHOWN_CHARACTERS)}"
        return ""

    def compare(self, other: Observation) -> Comparison:
        """Hold a run of another tree, on the same seed, against the runs of this one."""
        if self.problem or not other.is_usable:
            return Comparison(None, self.problem or f"the run was {other.ending.value}")
        first = self._runs[0]
        if _class(other) != _class(first):
            return self._other_end(other)
        found, is_plain = self._value_difference(other)
        compared = [self._stream_difference(name, other) for name in self._noise]
        lines = sum(count for _, count in compared)
        found = found or next((said for said, _ in compared if said), "")
        if found:
            return Comparison(True, found, lines, is_plain)
        if blind := self._blind(lines):
            return Comparison(None, blind, lines)
        return Comparison(False, f"no difference seen in {lines} lines of {self.runs + 1} runs{self._within()}", lines)

    # Learning

    def _learn(self) -> None:
        self._is_cut = any(run.is_cut for run in self._runs)
        names = {OUTPUT: None} | dict.fromkeys(path for run in self._runs for path in run.files)
        self._read = [{name: read_lines(_stream(run, name)) for name in names} for run in self._runs]
        self._lines = self._read[0]
        self._noise = {name: LineNoise() for name in names}
        for name, noise in self._noise.items():
            # Twice: what is masked by a later run shows in an earlier one as equal, or in another order.
            for read in (*self._read[1:], *self._read[1:]) if len(self._runs) > 2 else self._read[1:]:
                noise.learn(self._lines[name], read[name], is_cut=self._is_cut)
        series = dict.fromkeys(name for run in self._runs for name in run.values)
        self._series = {
            name: SeriesFloor(name, tuple(run.values.get(name, ()) for run in self._runs), self._is_cut)
            for name in series
        }

    def _spreads(self) -> list[SeriesFloor]:
        measured = [one for one in self._series.values() if any(one.runs)]
        return [one for one in measured if not one.is_steady]

    # Comparing

    def _other_end(self, other: Observation) -> Comparison:
        """A run that ends otherwise differs, unless it may only have been too slow."""
        first = self._runs[0]
        if other.is_cut and other.run_s < max(HANG_S, HANG_FACTOR * max(run.run_s for run in self._runs)):
            return Comparison(None, f"it was ended at its time limit, before: {inert(first.how, SHOWN_CHARACTERS)}")
        if first.is_cut and other.exit_code == 0:
            return self._early_end(other)
        shown = (inert(run.how, SHOWN_CHARACTERS) for run in (first, other))
        return Comparison(True, " -> ".join(shown), is_plain=True)

    def _early_end(self, other: Observation) -> Comparison:
        """It ended by itself where the others were cut: it may be quicker, and must have said as much as they did."""
        found, _ = self._value_difference(other)
        said, lines = self._stream_difference(OUTPUT, other)
        differs = bool(found or said)
        return Comparison(
            differs, found or said or f"no difference seen in {lines} lines of {self.runs + 1} runs", lines
        )

    def _value_difference(self, other: Observation) -> tuple[str, bool]:
        """Return what differs in the first quantity that does, and whether runs of the same tree agree in it."""
        unmeasured = {name: SeriesFloor(name, ((),) * self.runs, self._is_cut) for name in other.values}
        for name, floor in {**unmeasured, **self._series}.items():
            if said := floor.difference(other.values.get(name, ()), is_cut=other.is_cut):
                return said, floor.is_steady
        return "", False

    def _stream_difference(self, name: str, other: Observation) -> tuple[str, int]:
        """Compare one stream of lines; return what differs first and how many lines were compared."""
        noise = self._noise[name]
        ours = list(noise.keys(self._lines[name]))
        theirs = list(noise.keys(read_lines(_stream(other, name))))
        if noise.is_loose:
            known = {key for key, _ in ours}
            theirs = [pair for pair in theirs if pair[0] in known]
        said = _first_difference(
            [pair for pair in ours if pair[0] not in noise.moved],
            [pair for pair in theirs if pair[0] not in noise.moved],
            may_lack=other.is_cut,
            may_exceed=self._is_cut,
        )
        if not said and not (self._is_cut or other.is_cut):
            said = _moved_difference(ours, theirs, noise.moved)
        place = f"{inert(name, SHOWN_CHARACTERS)}, " if name else ""
        return (f"{place}{said}" if said else ""), min(len(ours), len(theirs))

    def _blind(self, lines: int) -> str:
        """Say why runs that show no difference tell nothing; empty if they do."""
        first = self._runs[0]
        if first.ending is not Ending.FINISHED and not first.is_cut:
            return f"it ends the same way before the change: {inert(first.how, SHOWN_CHARACTERS)}"
        measured = [one for one in self._series.values() if any(one.runs)]
        if measured:
            noisy = ", ".join(f"{one.name} by {one.spread:.3g}" for one in measured)
            return "" if any(one.is_steady for one in measured) else f"runs of the same tree differ: {noisy}"
        printed = sum(len(found) for found in self._lines.values())
        if not lines:
            return "it prints nothing that could be compared"
        return "" if lines >= LEAST_COMPARABLE * printed else f"only {lines} of {printed} lines are the same each run"

    def _within(self) -> str:
        noisy = [f"{one.name} within {one.spread:.3g}" for one in self._spreads()]
        return f" ({', '.join(noisy)})" if noisy else ""


def _class(run: Observation) -> tuple[object, ...]:
    """Runs that were cut are alike whether that was to be or not."""
    return ("cut",) if run.is_cut else (run.ending, run.exit_code)


def _stream(run: Observation, name: str) -> Sequence[str]:
    return run.files.get(name, ()) if name else run.lines


Pairs = Sequence[tuple[Key, Line]]


def _first_difference(ours: Pairs, theirs: Pairs, *, may_lack: bool, may_exceed: bool) -> str:
    for (our_key, our), (their_key, their) in zip(ours, theirs, strict=False):
        if our_key != their_key:
            return _told(our, their)
    if len(theirs) < len(ours) and not may_lack:
        return f"{len(ours) - len(theirs)} lines are missing, first {_quoted(ours[len(theirs)][1])}"
    if len(theirs) > len(ours) and not may_exceed:
        return f"{len(theirs) - len(ours)} more lines, first {_quoted(theirs[len(ours)][1])}"
    return ""


def _moved_difference(ours: Pairs, theirs: Pairs, moved: set[Key]) -> str:
    """Lines that come in any order must be the same ones, as often."""
    texts: Mapping[Key, Line] = dict([*theirs, *ours])
    counts = [Counter(key for key, _ in pairs if key in moved) for pairs in (ours, theirs)]
    for key in (key for key, _ in (*ours, *theirs)):
        if counts[0][key] != counts[1][key]:
            return f"{_quoted(texts[key])} printed {counts[0][key]} times -> {counts[1][key]} times"
    return ""


def _told(our: Line, their: Line) -> str:
    return f"line {our.place}: {_quoted(our)} -> {_quoted(their)}"


def _quoted(line: Line) -> str:
    return f"`{inert(line.text.strip(), SHOWN_CHARACTERS)}`"
