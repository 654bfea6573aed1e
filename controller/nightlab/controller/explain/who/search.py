"""Looks for the steps of known tools that lead from one content of a file to another, as near as they come.

Greedy: from where it stands, the move that comes nearest is made, if most of what it changes is found in the later
file. What the steps prove and what they do not is `pruning`'s.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.explain.who.candidates import NOQA_RULE, found_again, hidden_by, vanished
from nightlab.controller.explain.who.distance import distance, fitting_widths, is_on_the_way
from nightlab.controller.explain.who.likeness import is_values_only
from nightlab.controller.explain.who.pruning import fewest_rules
from nightlab.controller.explain.who.ruff import LEVELS, Setup
from nightlab.controller.explain.who.steps import RUFF_FORMAT, Step, lint_step, make, make_all
from nightlab.controller.explain.who.tools import in_likely_order
from nightlab.controller.explain.who.workshop import Workshop

MOST_STEPS: Final = 4
FIRST_S: Final = 5.0  # after which no further kind of move is tried
MORE_S: Final = 1.0  # the same, where something is explained already
MOST_RULES: Final = 150
MOST_PASSES: Final = 3
MOST_PRUNED: Final = 2
MOST_ALONE: Final = 10
ENOUGH: Final = 0.5  # of what a move changes must be found again for it to be followed
OTHER_TARGETS: Final = ("py39", "py312", "py314")
_FORMATS: Final = (
    (), ("line-length=120",), ("line-length=100",), ("line-length=79",), ("format.quote-style='single'",),
    ("format.quote-style='preserve'",), ("format.quote-style='single'", "line-length=120"),
    ("format.quote-style='single'", "line-length=100"), ("indent-width=2",), ("format.docstring-code-format=true",),
    ("format.preview=true",),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reached:
    """Where some steps lead.

    Attributes:
        steps: In their order.
        content: What they make of the earlier file.
        left: Distance from there to the later file; 0: the same bytes.
    """

    steps: tuple[Step, ...]
    content: bytes
    left: int


class Search:
    """The search for one file."""

    def __init__(self, shop: Workshop, path: str, before: bytes, after: bytes, hints: Sequence[Step] = ()) -> None:
        """Prepare.

        Args:
            shop: Where tools run.
            path: Of the file.
            before: Earlier content.
            after: Later content.
            hints: Steps that explained other files of the same change; their settings are tried first.
        """
        self._shop = shop
        self._path = path
        self._before = before
        self._after = after
        self._hints = tuple(hints)

    def run(self) -> Reached:
        """Return the nearest that was found."""
        here = Reached((), self._before, distance(self._before, self._after))
        while here.left and len(here.steps) < MOST_STEPS and not self._shop.is_late:
            there = self._best_move(here)
            if there is None:
                break
            here = there
        return here

    def _best_move(self, here: Reached) -> Reached | None:
        """Return the best move of the first kind of moves of which one leads nearer."""
        end = time.monotonic() + (MORE_S if here.steps else FIRST_S)
        for moves in self._kinds(here):
            best: Reached | None = None
            if time.monotonic() > end:
                return None
            for steps in moves:
                there = self._after_steps(here, steps)
                if there is not None and (best is None or there.left < best.left):
                    best = there
                    if not best.left:
                        break
            if best is not None:
                return best
        return None

    def _after_steps(self, here: Reached, steps: Sequence[Step]) -> Reached | None:
        content = make_all(self._shop, self._path, here.content, steps)
        if content is None or content == here.content:
            return None
        left = distance(content, self._after)
        if left and not (left < here.left and is_on_the_way(here.content, content, self._after, ENOUGH)):
            return None
        return Reached((*here.steps, *steps), content, left)

    def _kinds(self, here: Reached) -> Iterator[Iterator[tuple[Step, ...]]]:
        """Yield what could be done next, the cheapest and likeliest kind first."""
        setups = self._setups()
        yield self._hinted(here.content)
        yield self._exact(here.content)
        if is_values_only(here.content, self._after):  # a few rules of ruff write other values, no other tool does
            yield self._linted(here.content, setups[:2])
            return
        yield self._formatted(here.content)
        yield self._linted(here.content, setups[:2])
        yield ((step,) for step in self._formats())
        if not here.steps:
            yield self._linted(here.content, setups[2:])
        for tool in in_likely_order(self._shop):
            if not tool.may_have_written(self._shop, self._path, here.content, self._after, all_of_it=False):
                continue
            options = (*tool.variants(self._shop), *tool.fitted(fitting_widths(self._after)))
            yield ((Step(tool.name, settings),) for settings in options)

    def _hinted(self, content: bytes) -> Iterator[tuple[Step, ...]]:
        for hint in self._hints:
            yield from self._exact_lint(content, hint.rules, Setup.read(hint.settings)) if hint.rules else [(hint,)]

    def _linted(self, content: bytes, setups: Sequence[Setup]) -> Iterator[tuple[Step, ...]]:
        for setup in setups:
            yield from self._lint(content, setup)

    def _formatted(self, content: bytes) -> Iterator[tuple[Step, ...]]:
        for step in self._formatters(content):
            yield (step,)
            yield from self._lint_then(content, step)

    def _setups(self) -> list[Setup]:
        shop = self._shop
        own = [Setup(has_config=True)] if shop.has_ruff_config else []
        targets = [target for target in OTHER_TARGETS if target != shop.target]
        return list(dict.fromkeys([Setup(shop.target), *own, Setup(), *map(Setup, targets)]))

    def _formats(self) -> Iterator[Step]:
        own = [Setup(has_config=True)] if self._shop.has_ruff_config else []
        fitted = ((f"line-length={width}",) for width in fitting_widths(self._after))
        setups = [*own, *(Setup(self._shop.target, options=options) for options in (*_FORMATS, *fitted))]
        yield from (Step(RUFF_FORMAT, setup.settings()) for setup in setups)

    def _formatters(self, content: bytes) -> list[Step]:
        """Return the settings under which the later file is formatted and this one is not: the likeliest one."""
        for step in self._formats():
            later = make(self._shop, self._path, self._after, step)
            if later == self._after and make(self._shop, self._path, content, step) not in (None, content):
                return [step]
        return []

    def _lint_then(self, content: bytes, formatter: Step) -> Iterator[tuple[Step, ...]]:
        """Yield fixes followed by the formatter; the format is laid over both sides to see which rules took part."""
        formatted = make(self._shop, self._path, content, formatter)
        if formatted is None:
            return
        for setup in self._setups()[:3]:
            rules = vanished(self._shop.ruff, self._path, formatted, self._after, setup)
            rules |= found_again(self._shop.ruff, self._path, formatted, self._after, setup)
            yield from ((step, formatter) for step in self._fits(content, rules, setup, (formatter,)))

    def _exact(self, content: bytes) -> Iterator[tuple[Step, ...]]:
        """Yield one run of one tool of ruff that makes all of it, if there is one: it is preferred to two tools."""
        setups = self._setups()[:2]
        for step in dict.fromkeys([Step(RUFF_FORMAT, setup.settings()) for setup in setups]):
            if make(self._shop, self._path, content, step) == self._after:
                yield (step,)
        for setup in setups:
            gone = frozenset(vanished(self._shop.ruff, self._path, content, self._after, setup))
            yield from self._exact_lint(content, gone, setup)
            yield from self._exact_lint(content, hidden_by(gone), setup)
            more = self._with_later_passes(content, gone, setup)
            if more != gone:
                yield from self._exact_lint(content, more, setup)

    def _exact_lint(self, content: bytes, rules: Iterable[str], setup: Setup) -> Iterator[tuple[Step, ...]]:
        for step in self._levels(sorted(rules)[:MOST_RULES], setup):
            if make(self._shop, self._path, content, step) == self._after:
                yield (step,)
                return

    def _with_later_passes(self, content: bytes, rules: frozenset[str], setup: Setup) -> frozenset[str]:
        """Add the rules that have work only after others have done theirs."""
        ruff, path = self._shop.ruff, self._path
        for _ in range(MOST_PASSES):
            made = ruff.fix(path, content, rules, LEVELS[-1], setup)
            new = vanished(ruff, path, made, self._after, setup) - rules if made is not None else set()
            if not new:
                break
            rules |= new
        return rules

    def _lint(self, content: bytes, setup: Setup) -> Iterator[tuple[Step, ...]]:
        ruff, path = self._shop.ruff, self._path
        gone = frozenset(vanished(ruff, path, content, self._after, setup))
        again = found_again(ruff, path, content, self._after, setup)
        more = self._with_later_passes(content, gone | again, setup)
        for rules in dict.fromkeys((gone, gone | again, more, frozenset(again))):
            yield from ((step,) for step in self._fits(content, rules, setup, ()))

    def _fits(self, content: bytes, rules: Iterable[str], setup: Setup, then: tuple[Step, ...]) -> Iterator[Step]:
        """Yield the fixes of the rules that bring the file nearer, at the most promising levels of safety."""
        made: dict[bytes, Step] = {}
        for step in self._levels(sorted(rules)[:MOST_RULES], setup):
            new = make_all(self._shop, self._path, content, (step, *then))
            if new == self._after:
                yield step
                return
            if new is not None and new != content:
                made.setdefault(new, step)
        if not made:  # together they may do nothing: ruff takes back what would not parse
            yield from self._alone(sorted(rules)[:MOST_ALONE], setup)
        for new in sorted(made, key=lambda new: distance(new, self._after))[:MOST_PRUNED]:
            yield self._nearer(content, made[new], then)

    def _alone(self, rules: Sequence[str], setup: Setup) -> Iterator[Step]:
        if len(rules) > 1:
            yield from (step for rule in rules for step in self._levels([rule], setup))

    def _levels(self, rules: Sequence[str], setup: Setup) -> Iterator[Step]:
        others = ("", "ALL", "E,F,W") if NOQA_RULE in rules else ("",)
        if rules:
            yield from (lint_step(rules, level, setup, enabled) for enabled in others for level in LEVELS)

    def _nearer(self, content: bytes, step: Step, then: tuple[Step, ...]) -> Step:
        """Drop the rules without which the result is as near: they may stand in the way of the others."""

        def left(rules: Sequence[str]) -> int:
            made = make_all(self._shop, self._path, content, (step.without(set(step.rules) - set(rules)), *then))
            return distance(made, self._after) if made is not None else 1 << 60

        return step.without(set(step.rules) - set(fewest_rules(step.rules, left)))
