"""Measured quantities, what they are held against, and the verdict on a trial."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way an objective is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Trust(StrEnum):
    """How a value was measured, most believable first."""

    EVALUATED = "evaluated"
    OBSERVED = "observed"
    REPORTED = "reported"


class Verdict(StrEnum):
    """How a trial ended (DESIGN.md, "Words").

    BASELINE and MEASURED are runs that are not judged themselves: repeats of the base tree and confirmations. REJECTED
    was refused before its launch, by the gate or by the plugin whose arguments it had.
    """

    BASELINE = "baseline"
    KEEP = "keep"
    DISCARD = "discard"
    VOID = "void"
    CRASH = "crash"
    INFEASIBLE = "infeasible"
    PRUNED = "pruned"
    LOST = "lost"
    DUPLICATE = "duplicate"
    NO_EFFECT = "no effect"
    REJECTED = "rejected"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One quantity of one run.

    Attributes:
        name: The objective's or constraint's name.
        value: In the quantity's own unit; None if the run did not yield it.
        trust: How it was measured.
        source: Where, in words for a person ("last match of /val_bpb: .../ in the output").
    """

    name: str
    value: float | None
    trust: Trust
    source: str


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """The spread of one objective over repeats of the same tree.

    Attributes:
        name: The objective.
        center: Mean of the repeats.
        spread: Sample standard deviation (n - 1); None with fewer than two repeats or no seed to vary.
        repeats: How many runs it rests on.
        threshold: Gain that a single run must exceed to be called more than noise; None: floor unknown.
        freedom: Degrees of freedom that the spread rests on: repeats of all trees, less one for each tree.
    """

    name: str
    center: float | None
    spread: float | None
    repeats: int
    threshold: float | None
    freedom: int = 0
