"""Builds the tree of a recipe: each call applied on top of the ones before it, every edit with its own author.

Choosing a recipe belongs to the policy; linting, running and judging the tree to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nightlab.controller.errors import PluginError
from nightlab.controller.model.tree import Tree
from nightlab.controller.search.policy import Proposal
from nightlab.controller.search.recipe import ActionName, Ingredient, Made, Recipes, in_order, with_call
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.fixing import Step


@dataclass(frozen=True, slots=True)
class Built:
    """A tree and how it came about.

    Attributes:
        tree: After the last call; the base tree where there is a rejection.
        steps: One per call that changed something, in order.
        summary: What the proposed call did, in the plugin's words, and on top of what.
        rejection: Why there is no such tree, for the policy and people; empty if there is.
    """

    tree: Tree
    steps: tuple[Step, ...] = ()
    summary: str = ""
    rejection: str = ""


class Builder:
    """Builds trees on the base tree of one study."""

    def __init__(self, editor: Editor, base: Tree, order: Sequence[ActionName]) -> None:
        """Make a builder.

        Args:
            editor: Applies actions.
            base: The base tree.
            order: Of the actions, as the config has them.
        """
        self._editor = editor
        self._base = base
        self._order = tuple(order)

    async def build(self, proposal: Proposal, number: int, trials: Sequence[Made]) -> Built:
        """Apply a proposal's call together with the calls of the recipe that it is made on.

        Args:
            proposal: What is next.
            number: Of the trial that it is for.
            trials: Every trial so far.
        """
        recipe = with_call(Recipes(trials).of(proposal.parent), proposal.call, number)
        made = Built(self._base)
        for ingredient in in_order(recipe, self._order):
            made = await self._with(made, ingredient, number)
            if made.rejection:
                return made
        on_top = f"; on top of trial {proposal.parent}" if len(recipe) > 1 else ""
        return replace(made, summary=made.summary and made.summary + on_top)

    async def _with(self, made: Built, each: Ingredient, number: int) -> Built:
        is_own = each.origin == number
        request_id = f"{number}" if is_own else f"{number}-{each.origin}"
        name = f"{each.call.plugin}/{each.call.action}"
        stale = "" if is_own else f"{name} of trial {each.origin} does not fit together with it: "
        try:
            edited = await self._editor.apply(each.call, made.tree, request_id=request_id, seed=each.origin)
        except PluginError as error:
            return Built(self._base, rejection=f"{stale}{error}")
        if edited.rejection:
            return Built(self._base, (), edited.summary if is_own else "", stale + edited.rejection[0].summary)
        has_changed = is_own or edited.tree.digest != made.tree.digest
        steps = (*made.steps, *([Step(each.call.author, edited.tree, edited.summary)] if has_changed else []))
        return Built(edited.tree, steps, edited.summary if is_own else made.summary)
