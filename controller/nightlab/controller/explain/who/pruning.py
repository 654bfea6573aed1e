"""Keeps of a replay only what is proven: no rule and no step without which the result is as good.

A step or rule counts as proven if what it changes is found in the later file, and not only inside of, or right
beside, something that no tool explains: who deletes twenty lines by hand also deletes the unused import among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from nightlab.controller.explain.who.distance import distance, hunks, is_on_the_way, touch
from nightlab.controller.explain.who.steps import RUFF_CHECK, Step, make_all
from nightlab.controller.explain.who.workshop import Workshop

PROVEN: Final = 0.75  # of what a rule changes must be found in the later file

Steps = tuple[Step, ...]


def fewest_rules(rules: Sequence[str], cost: Callable[[Sequence[str]], int]) -> tuple[str, ...]:
    """Drop rules, many at once where that works, as long as the cost does not rise.

    Args:
        rules: All of them; earlier ones are dropped first.
        cost: Of some of them; 0 is the best.
    """
    kept, lowest = list(rules), cost(rules)
    todo = [list(rules)]
    while todo:
        chunk = todo.pop()
        rest = [rule for rule in kept if rule not in chunk]
        if (value := cost(rest)) <= lowest:
            kept, lowest = rest, value
        elif len(chunk) > 1:
            middle = len(chunk) // 2
            todo += [chunk[middle:], chunk[:middle]]
    return tuple(kept)


class Pruner:
    """Prunes the steps found for one file."""

    def __init__(self, shop: Workshop, path: str, before: bytes, after: bytes) -> None:
        """Remember the file."""
        self._shop = shop
        self._path = path
        self._before = before
        self._after = after

    def prune(self, steps: Steps) -> Steps:
        """Return the fewest steps with the fewest rules that come as near, and of them the proven ones."""
        steps = self._merged(self._needed(steps))
        for index, step in enumerate(steps):
            if step.tool == RUFF_CHECK:
                steps = self._with_fewest_rules(steps, index, step)
        return self._proven(self._needed(steps))

    def content(self, steps: Steps) -> bytes | None:
        """Return what steps make of the earlier file."""
        return make_all(self._shop, self._path, self._before, steps)

    def _left(self, steps: Steps) -> int:
        made = self.content(steps)
        return 1 << 60 if made is None else distance(made, self._after)

    def _needed(self, steps: Steps) -> Steps:
        for step in tuple(steps):
            rest = tuple(each for each in steps if each is not step)
            if self._left(rest) <= self._left(steps):
                steps = rest
        return steps

    def _merged(self, steps: Steps) -> Steps:
        """Make one run of ruff of several, where that comes as near."""
        runs = [step for step in steps if step.tool == RUFF_CHECK]
        for first in runs:
            for second in runs:
                if first is second or first not in steps or second not in steps:
                    continue
                rules = tuple(sorted({*first.rules, *second.rules}))
                for model in (second, first):
                    one = Step(RUFF_CHECK, model.settings, rules, model.level)
                    merged = tuple(one if step is first else step for step in steps if step is not second)
                    if self._left(merged) <= self._left(steps):
                        return self._merged(merged)
        return steps

    def _with_fewest_rules(self, steps: Steps, index: int, step: Step) -> Steps:
        def replaced(rules: Sequence[str]) -> Steps:
            return (*steps[:index], step.without(set(step.rules) - set(rules)), *steps[index + 1 :])

        return replaced(fewest_rules(_least_likely_first(step.rules), lambda rules: self._left(replaced(rules))))

    def _proven(self, steps: Steps) -> Steps:
        """Drop what is not proven, the weakest first, until all that is left is."""
        while steps and self._left(steps):
            kept = self._without_unproven(steps)
            if kept == steps:
                break
            steps = kept
        return steps

    def _without_unproven(self, steps: Steps) -> Steps:
        for index, step in enumerate(steps):
            for rule in step.rules:
                fewer = (*steps[:index], step.without([rule]), *steps[index + 1 :])
                if len(step.rules) > 1 and not self._is_proven(fewer, steps):
                    return fewer
            rest = (*steps[:index], *steps[index + 1 :])
            if len(step.rules) < 2 and not self._is_proven(rest, steps):
                return rest
        return steps

    def _is_proven(self, fewer: Steps, steps: Steps) -> bool:
        without, full = self.content(fewer), self.content(steps)
        if without is None or full is None or not is_on_the_way(without, full, self._after, PROVEN):
            return False
        effect, rest = hunks(without, full), hunks(full, self._after)
        return touch(effect, rest) * 2 < len(effect)


def _least_likely_first(rules: Sequence[str]) -> list[str]:
    """Order rules so that of two that do the same the more usual one is kept."""
    usual = ("F", "E", "I", "UP", "B", "SIM", "W", "RUF", "PL", "C4")
    return sorted(rules, key=lambda rule: (rule.startswith(usual), rule), reverse=False)
