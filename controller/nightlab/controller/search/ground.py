"""What an action's next call is put on top of: the best kept recipe, or the base tree where that cannot be.

Which arguments are next belongs to `tpe`; what a trial's own action was worth to `lineage`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Final

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.lineage import Context, Lineage
from nightlab.controller.search.policy import Candidate, Past, Proposal
from nightlab.controller.search.recipe import ActionName
from nightlab.controller.search.standing import Point, Standing

REFUSALS: Final = 2  # of an action on one recipe, none accepted, before it is left alone there
SILENT: Final = frozenset({Verdict.REJECTED, Verdict.DUPLICATE, Verdict.LOST, Verdict.VOID})


class Ground:
    """The recipe that one action's next call goes on top of.

    Attributes:
        candidate: The action.
        parent: The trial with that recipe; 0 where it holds no other action, since then the call replaces all of it.
    """

    def __init__(
        self, candidate: Candidate, lineage: Lineage, incumbent: int, reliefs: Collection[ActionName] = frozenset()
    ) -> None:
        """Choose the ground.

        Args:
            candidate: The action.
            lineage: The history.
            incumbent: The best kept trial, or 0.
            reliefs: Actions that are said to help with the bounds that were broken.
        """
        self.candidate = candidate
        self._lineage = lineage
        self._incumbent = incumbent
        self._reliefs = reliefs
        self._context = lineage.context(incumbent, candidate.name)
        self.parent = incumbent if self._context else 0

    def relieves(self, context: Context) -> bool:
        """Whether this ground has an action against broken bounds that another one had not."""
        return any(name in self._reliefs for name, _ in self._context - context)

    @property
    def is_barren(self) -> bool:
        """Whether the action was refused here often enough, and never accepted."""
        return len(self._refused) >= REFUSALS

    def proposal(self, arguments: Mapping[str, object], reason: str) -> Proposal:
        """Propose arguments on this ground."""
        return Proposal(self._call(arguments), reason + self._told(), self.parent)

    def retry(self, standing: Standing) -> Proposal | None:
        """Propose once more on the base tree what was refused here, where that was not tried yet."""
        for past in self._refused[:1]:
            assert past.call is not None
            arguments = standing.space.complete(past.call.arguments)
            same = (p for p in standing.points if p.assignment == arguments)
            if not any(self._was_on(point, frozenset()) for point in same):
                reason = f"trial {past.number} did not fit on top of trial {self.parent}: on the base tree instead"
                return Proposal(self._call(arguments), reason)
        return None

    def transplant(self, standing: Standing) -> Proposal | None:
        """Propose arguments that were better elsewhere, beyond the noise, than what this ground has now."""
        usable = [p for p in standing.points if p.losses is not None and p.is_feasible] if self._context else []
        here = self._lineage.worth_of(self._lineage.recipe(self._incumbent).get(self.candidate.name))
        if not usable or here is None:
            return None
        for point in sorted(usable, key=lambda p: (p.losses or (), p.numbers)):
            if not point.losses or point.losses[0] >= here[0] - self._lineage.noise:
                return None
            if not self._was_on(point, self._context):
                return self.proposal(point.assignment, f"what gained in trial {point.numbers[0]}")
        return None

    def _was_on(self, point: Point, context: Context) -> bool:
        return any(self._lineage.context(number, self.candidate.name) == context for number in point.numbers)

    def _call(self, arguments: Mapping[str, object]) -> ActionCall:
        return ActionCall(*self.candidate.name, dict(arguments), self.candidate.schema_digest)

    def _told(self) -> str:
        return f", on top of trial {self.parent}" if self.parent else ""

    @cached_property
    def _refused(self) -> list[Past]:
        """Trials of the action that were refused on this ground, which is not the base, if none was accepted."""
        here = [p for p in self._lineage.by_action.get(self.candidate.name, ()) if self._is_here(p)]
        if any(past.verdict not in SILENT for past in here):
            return []
        return [past for past in here if past.verdict is Verdict.REJECTED]

    def _is_here(self, past: Past) -> bool:
        return bool(self._context) and self._lineage.context(past.number, self.candidate.name) == self._context
