"""What a trial's tree is made of: the calls that lead to it from the base tree, one an action.

recipe(base) is empty; recipe(T) is that of T's parent with T's own call put in, in place of an earlier one of the same
action. Applying a recipe belongs to the study, choosing one to a policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from nightlab.controller.model.trial import ActionCall

ActionName = tuple[str, str]
FIRST: Final = "hyperparameter"
"""Its literals are named as they stand in the base tree, so it comes before whatever rewrites them."""


@dataclass(frozen=True)
class Ingredient:
    """One call of a recipe.

    Attributes:
        call: The action with its arguments.
        origin: The trial that it was proposed for; decides its free choices.
    """

    call: ActionCall
    origin: int


Recipe = Mapping[ActionName, Ingredient]


class Made(Protocol):
    """A trial, as far as recipes are concerned."""

    @property
    def number(self) -> int:
        """Unique in the study, from 0."""
        ...

    @property
    def parent(self) -> int | None:
        """The trial whose tree it was made from."""
        ...

    @property
    def call(self) -> ActionCall | None:
        """What was done to that tree; None for a repeat."""
        ...


class Recipes:
    """The recipes of a study's trials."""

    def __init__(self, trials: Iterable[Made]) -> None:
        self._found: dict[int, Recipe] = {}
        for trial in sorted(trials, key=lambda trial: trial.number):
            before = self._found.get(trial.parent if trial.parent is not None else -1, {})
            self._found[trial.number] = before if trial.call is None else with_call(before, trial.call, trial.number)

    def of(self, number: int) -> Recipe:
        """Return a trial's recipe; empty for the base and for a trial that is not known."""
        return self._found.get(number, {})


def with_call(recipe: Recipe, call: ActionCall, origin: int) -> Recipe:
    """Return a recipe with a call put in."""
    return {**recipe, (call.plugin, call.action): Ingredient(call, origin)}


def in_order(recipe: Recipe, order: Sequence[ActionName]) -> list[Ingredient]:
    """Return a recipe's calls as they are applied: literals first, then in an order, unknown ones last by name."""
    places = {name: at for at, name in enumerate(order)}

    def place(name: ActionName) -> tuple[bool, int, ActionName]:
        return name[0] != FIRST, places.get(name, len(places)), name

    return [recipe[name] for name in sorted(recipe, key=place)]
