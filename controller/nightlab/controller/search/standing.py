"""Reads a history as points of one action's space: what was tried, what came out, what must not be tried again.

Everything is turned so that lower is better. Choosing the next point belongs to `moves` and `tpe`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.schema import Constraint, Objective
from nightlab.controller.model.score import Verdict
from nightlab.controller.search.lineage import UNSETTLED, Context, Lineage
from nightlab.controller.search.parameter import Value
from nightlab.controller.search.policy import Candidate, Past
from nightlab.controller.search.space import Assignment, Key, Space

ATTEMPTS_OF_A_POINT: Final = 2
Relieved = Callable[[Context], bool]


@dataclass(frozen=True)
class Point:
    """One assignment and the mean of all its runs.

    Attributes:
        assignment: Full, by parameter.
        losses: Mean per objective, in the config's order and turned so that lower is better; None where no run was
            scored. What they would be on the base tree, where a run was on top of other actions.
        spread_sums: Sum of squared deviations of the first objective over its runs, and how many runs.
        excess: Largest excess per constraint; above 0 is broken.
        is_feasible: No run broke a constraint or ran out of memory.
        is_pending: A run is under way and none has ended.
        numbers: Of the trials.
    """

    assignment: Assignment
    losses: tuple[float, ...] | None
    spread_sums: tuple[float, int]
    excess: Mapping[str, float]
    is_feasible: bool
    is_pending: bool
    numbers: tuple[int, ...]

    @property
    def has_failed(self) -> bool:
        """It ended without a score."""
        return self.losses is None and not self.is_pending


@dataclass(frozen=True)
class Standing:
    """All that is known of one action's space.

    Attributes:
        space: The action's.
        points: In the order of their first trial; the base point, if it was run, is among them.
        taken: Keys of assignments that are not to be proposed again.
        inert: Parameters that were seen to change nothing.
    """

    space: Space
    points: tuple[Point, ...]
    taken: frozenset[Key]
    inert: frozenset[str]

    def is_taken(self, assignment: Assignment) -> bool:
        """Whether an assignment is not to be proposed again."""
        return self.space.key(assignment) in self.taken

    def scored(self) -> list[Point]:
        """Points with a value for every objective."""
        return [point for point in self.points if point.losses is not None]


def standing_of(
    candidate: Candidate,
    space: Space,
    history: Sequence[Past],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Standing:
    """Read a history.

    Runs of the base tree count as the default point where that leaves the tree as it is.
    """
    return standing_in(candidate, space, Lineage(history, objectives), constraints)


def standing_in(
    candidate: Candidate,
    space: Space,
    lineage: Lineage,
    constraints: Sequence[Constraint],
    relieved: Relieved = lambda _context: False,
) -> Standing:
    """Read a history whose parents are known.

    Args:
        candidate: The action.
        space: Its parameters.
        lineage: The history.
        constraints: Whose excess is told.
        relieved: Says of what a run's tree had beside this action whether the next one's has more to keep its bounds
            with; then what was infeasible there is open again.
    """
    runs: dict[Key, list[Past]] = {}
    assignments: dict[Key, dict[str, Value]] = {}
    for past in _of(candidate, lineage):
        if _is_infeasible(past) and relieved(lineage.context(past.number, candidate.name)):
            continue
        assignment = space.complete(past.call.arguments) if past.call is not None else space.defaults()
        key = space.key(assignment)
        assignments[key] = assignment
        runs.setdefault(key, []).append(past)
    told = [key for key, pasts in runs.items() if _tells(pasts)]
    points = tuple(_point(assignments[key], runs[key], lineage, constraints) for key in told)
    taken = {key for key, pasts in runs.items() if _is_taken(pasts)}
    if candidate.default_is_base:
        taken.add(space.key(space.defaults()))
    return Standing(space, points, frozenset(taken), _inert(space, runs, assignments, lineage))


def _of(candidate: Candidate, lineage: Lineage) -> list[Past]:
    """Return the trials that tell of an action, in the order of their numbers."""
    own = [
        past
        for past in lineage.by_action.get(candidate.name, ())
        if past.call is not None and past.call.schema_digest == candidate.schema_digest
    ]
    runs = [*lineage.base_runs, *own] if candidate.default_is_base else own
    return sorted(runs, key=lambda past: past.number)


def _is_infeasible(past: Past) -> bool:
    return past.verdict is Verdict.INFEASIBLE or not past.feasible


def _tells(pasts: Sequence[Past]) -> bool:
    return any(past.verdict not in UNSETTLED for past in pasts)


def _is_taken(pasts: Sequence[Past]) -> bool:
    return _tells(pasts) or len(pasts) >= ATTEMPTS_OF_A_POINT


def _inert(
    space: Space, runs: Mapping[Key, Sequence[Past]], assignments: Mapping[Key, Assignment], lineage: Lineage
) -> frozenset[str]:
    """Name what was changed without effect: against the base, or against the parent's arguments."""
    found: set[str] = set()
    for key, pasts in runs.items():
        for past in (past for past in pasts if past.verdict is Verdict.NO_EFFECT):
            before = lineage.before(past)
            origin = space.complete(before.call.arguments) if before is not None else space.defaults()
            found.update(space.changed_between(assignments[key], origin))
    return frozenset(found)


def _point(assignment: Assignment, pasts: Sequence[Past], lineage: Lineage, constraints: Sequence[Constraint]) -> Point:
    scored = [losses for past in pasts if (losses := lineage.worth(past)) is not None]
    ended = [past for past in pasts if past.verdict is not None]
    means = tuple(math.fsum(column) / len(scored) for column in zip(*scored, strict=True)) if scored else None
    first = [losses[0] for losses in scored]
    squares = math.fsum((value - means[0]) ** 2 for value in first) if means else 0.0
    excess = {c.name: max(found) for c in constraints if (found := _excesses(ended, c.name))}
    return Point(
        assignment=assignment,
        losses=means,
        spread_sums=(squares, len(first)),
        excess=excess,
        is_feasible=all(past.feasible and past.verdict is not Verdict.INFEASIBLE for past in ended),
        is_pending=not ended,
        numbers=tuple(past.number for past in pasts),
    )


def _excesses(pasts: Iterable[Past], name: str) -> list[float]:
    found = [past.constraint_excess.get(name) for past in pasts]
    return [value for value in found if value is not None and math.isfinite(value)]
