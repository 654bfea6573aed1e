"""Applies wanted fixes on a copy: at once what leaves the program as it is, where it is let through what may change it.

Making fixes belongs to the worker; why one is let through, and where the copy goes, to whoever asks.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.explain.orders import Files, MadeFix
from nightlab.controller.model.change import Effect, FixState

MOST_LET_THROUGH: Final = 40  # fixes of one copy that may change behaviour and were let through one on top of another

Make = Callable[[Files], Awaitable[Sequence[MadeFix]]]
"""Makes the wanted fixes of some contents, one author after another."""
LetThrough = Callable[[MadeFix, Files], Awaitable[str]]
"""Says why a fix of these contents that may change behaviour is let through; empty: it is not."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One fix that is in the copy.

    Attributes:
        made: The fix.
        state: APPLIED or LET_THROUGH.
        reason: Why it was let through.
        files: New contents, of the files that it changed.
    """

    made: MadeFix
    state: FixState
    reason: str
    files: Files


class FixedCopy:
    """Contents on which fixes are made.

    Attributes:
        contents: As they are by now.
        applied: What was done to them, in order.
        held: What may change behaviour and was not let through.
    """

    def __init__(self, contents: Files) -> None:
        self.contents = dict(contents)
        self.applied: list[Applied] = []
        self.held: list[MadeFix] = []

    async def fix(self, make: Make, let_through: LetThrough, *, limit_s: float | None = None) -> None:
        """Apply what may be; ask again after each fix that is let through, since the others are then made on top of it.

        Args:
            make: Makes the fixes.
            let_through: Decides on those that may change behaviour.
            limit_s: After which nothing more is let through; None: no limit.

        Raises:
            ExplainFailed: The worker broke; what was applied before it stays.
        """
        end = None if limit_s is None else time.monotonic() + limit_s
        for _ in range(MOST_LET_THROUGH):
            made = await make(self.contents)
            for each in (m for m in made if m.effect is not Effect.BEHAVIOUR):
                self._apply(each, FixState.APPLIED, each.reason)
            self.held = [m for m in made if m.effect is Effect.BEHAVIOUR]
            is_late = end is not None and time.monotonic() > end
            if is_late or not await self._let_one(let_through):
                return

    async def _let_one(self, let_through: LetThrough) -> bool:
        """Apply the first fix that is let through and changes anything; False: there is none."""
        for each in self.held:
            reason = await let_through(each, self.contents)
            if reason and self._apply(each, FixState.LET_THROUGH, reason):
                self.held.remove(each)
                return True
        return False

    def _apply(self, made: MadeFix, state: FixState, reason: str) -> bool:
        """Take a fix into the copy; False if it changes nothing there."""
        new = {path: content for path, content in made.files.items() if self.contents.get(path) != content}
        if not new or not new.keys() <= self.contents.keys():
            return False
        self.contents.update(new)
        self.applied.append(Applied(made, state, reason, new))
        return True
