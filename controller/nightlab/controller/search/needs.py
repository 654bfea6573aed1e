"""What a history is in trouble with, in the words in which actions state what they are expected to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nightlab.controller.config.schema import Constraint, Objective, Observed
from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.search.policy import Candidate, Past

Needs = frozenset[tuple[str, str]]
DOWN: Final = "down"
UP: Final = "up"
OUT_OF_MEMORY: Final = ("peak_memory", DOWN)


def needs_of(history: Sequence[Past], objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> Needs:
    """Return which quantities should go where.

    Memory, where a trial ran out of it; the quantity of every constraint that some trial broke; and what is measured
    from outside and is an objective beside the first, which every action is for.
    """
    found = {OUT_OF_MEMORY} if any(past.verdict is Verdict.INFEASIBLE for past in history) else set()
    broken = {name for past in history for name, excess in past.constraint_excess.items() if excess > 0}
    for each in constraints:
        if each.name in broken:
            found.add((_quantity(each), DOWN if each.max is not None else UP))
    for other in objectives[1:]:
        if isinstance(other.measure, Observed):
            found.add((other.measure.quantity, DOWN if other.direction is Direction.MINIMIZE else UP))
    return frozenset(found)


def helps(candidate: Candidate, needs: Needs) -> bool:
    """Whether an action's author expects it to help with any of them."""
    return any(effect in needs for effect in candidate.effects.items())


def _quantity(constraint: Constraint) -> str:
    if not isinstance(constraint.measure, Observed):
        return constraint.name
    # An action saves memory wherever the model lives.
    return "peak_memory" if constraint.measure.quantity == "gpu_memory" else constraint.measure.quantity
