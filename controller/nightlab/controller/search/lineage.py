"""Tells what a trial's own action did, whatever else its tree has: trials are compared with the ones they came from.

The gains of different actions are taken to add up. What one action's trials were worth on the base tree is estimated by
adding each one's difference to its parent to what the parent's arguments of that action are worth.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Final

from nightlab.controller.config.schema import Objective
from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.search.policy import Past
from nightlab.controller.search.recipe import ActionName, Ingredient, Recipe, Recipes

UNSETTLED: Final = frozenset({Verdict.LOST, Verdict.VOID})  # says nothing about the point; worth one more attempt
Losses = tuple[float, ...]
Context = frozenset[tuple[ActionName, int]]
"""The other actions of a tree and where each one's call is from; empty: the base tree but for one action."""


class Lineage:
    """A history with its parents."""

    def __init__(self, history: Sequence[Past], objectives: Sequence[Objective]) -> None:
        self._pasts = {past.number: past for past in sorted(history, key=lambda past: past.number)}
        self._objectives = tuple(objectives)
        self._recipes = Recipes(self._pasts.values())
        self._adjusted: dict[int, Losses | None] = {}

    @cached_property
    def by_action(self) -> Mapping[ActionName, tuple[Past, ...]]:
        """Trials by the action that was their move, in the order of their numbers."""
        found: dict[ActionName, list[Past]] = {}
        for past in self._pasts.values():
            if past.call is not None:
                found.setdefault((past.call.plugin, past.call.action), []).append(past)
        return {name: tuple(pasts) for name, pasts in found.items()}

    @cached_property
    def base_runs(self) -> tuple[Past, ...]:
        """Runs of the base tree."""
        return tuple(past for past in self._pasts.values() if past.call is None)

    @cached_property
    def base(self) -> Losses | None:
        """Mean losses of the base tree; None before it was scored."""
        return _mean(self._base_losses)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of the base tree's first loss; 0.0 where it was not repeated."""
        first = [losses[0] for losses in self._base_losses]
        if len(first) < 2:
            return 0.0
        mean = math.fsum(first) / len(first)
        return math.sqrt(math.fsum((value - mean) ** 2 for value in first) / (len(first) - 1))

    def incumbent(self, known: Collection[tuple[str, str, str]]) -> int:
        """Return the best kept trial that can be built on, or 0 for the base.

        Args:
            known: Plugin, action and schema digest of what can be applied now; the rest of a recipe cannot be made.
        """
        kept = [p for p in self._pasts.values() if p.verdict is Verdict.KEEP and self._is_known(p, known)]
        scored = [(losses, p.number) for p in kept if (losses := losses_of(p, self._objectives)) is not None]
        return min(scored, key=lambda pair: (pair[0][0], pair[1]))[1] if scored else 0

    def recipe(self, number: int) -> Recipe:
        """Return a trial's recipe."""
        return self._recipes.of(number)

    def context(self, number: int, action: ActionName) -> Context:
        """Return what a trial's tree has beside one action."""
        return frozenset((name, each.origin) for name, each in self._recipes.of(number).items() if name != action)

    def before(self, past: Past) -> Ingredient | None:
        """Return the call of the same action that a trial's own call replaced."""
        if past.call is None:
            return None
        return self._recipes.of(past.parent).get((past.call.plugin, past.call.action))

    def worth(self, past: Past) -> Losses | None:
        """Return the losses that a trial's arguments would have on the base tree; None without a score."""
        if past.number not in self._adjusted:
            self._adjusted[past.number] = self._worth(past)
        return self._adjusted[past.number]

    def worth_of(self, found: Ingredient | None) -> Losses | None:
        """Return the same for a call of a recipe; for None that of the base tree itself."""
        if found is None:
            return self.base
        past = self._pasts.get(found.origin)
        return self.worth(past) if past is not None else None

    def _worth(self, past: Past) -> Losses | None:
        own = losses_of(past, self._objectives)
        if own is None or past.call is None or not self.context(past.number, (past.call.plugin, past.call.action)):
            return own
        start, parent = self.worth_of(self.before(past)), self._losses_of_tree(past.parent)
        if start is None or parent is None:
            return own
        return tuple(s + o - p for s, o, p in zip(start, own, parent, strict=True))

    def _losses_of_tree(self, number: int) -> Losses | None:
        past = self._pasts.get(number)
        return self.base if past is None or past.call is None else losses_of(past, self._objectives)

    def _is_known(self, past: Past, known: Collection[tuple[str, str, str]]) -> bool:
        calls = (each.call for each in self._recipes.of(past.number).values())
        return past.feasible and all((c.plugin, c.action, c.schema_digest) in known for c in calls)

    @cached_property
    def _base_losses(self) -> list[Losses]:
        return [losses for past in self.base_runs if (losses := losses_of(past, self._objectives)) is not None]


def losses_of(past: Past, objectives: Sequence[Objective]) -> Losses | None:
    """Return a trial's values turned so that lower is better; None where it failed or one is missing."""
    if past.verdict in (None, Verdict.CRASH, Verdict.REJECTED, *UNSETTLED):
        return None
    values = [past.values.get(objective.name) for objective in objectives]
    if any(value is None or not math.isfinite(value) for value in values):
        return None
    signs = [1.0 if objective.direction is Direction.MINIMIZE else -1.0 for objective in objectives]
    return tuple(sign * value for sign, value in zip(signs, values, strict=True) if value is not None)


def _mean(rows: Sequence[Losses]) -> Losses | None:
    return tuple(math.fsum(column) / len(rows) for column in zip(*rows, strict=True)) if rows else None
