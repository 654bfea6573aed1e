"""Tells which other known tools make exactly the same of a file: two trees cannot say which of them it was.

Of tools that make the same the one that the repo's own configs name is preferred, else ruff, which was found first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nightlab.controller.explain.who.candidates import vanished
from nightlab.controller.explain.who.ruff import LEVELS, Setup
from nightlab.controller.explain.who.steps import RUFF_CHECK, RUFF_FORMAT, Step, lint_step, make
from nightlab.controller.explain.who.tools import TOOLS, names_of_repo
from nightlab.controller.explain.who.workshop import Workshop

MOST_RIVALS_BYTES: Final = 256 * 1024
MOST_RULES: Final = 12


def preferred(
    shop: Workshop, path: str, before: bytes, after: bytes, step: Step, known: Sequence[Step] | None = None
) -> tuple[Step, tuple[Step, ...]]:
    """Return the step to name, and the others that make the same.

    Args:
        shop: Where tools run.
        path: Of the file.
        before: Earlier content.
        after: Later content.
        step: What makes the one of the other.
        known: What else made the same of other files of this change: nothing else is tried. None: this is the first.
    """
    if known is None:
        known = tuple(_rivals(shop, path, before, after, step)) if len(before) <= MOST_RIVALS_BYTES else ()
    else:
        known = tuple(_first_of_each(shop, path, before, after, known))
    steps = [step, *known]
    named = names_of_repo(shop)
    steps.sort(key=lambda each: _family(each) not in named)
    first, *rest = steps if _family(step) not in named else [step, *(each for each in steps if each != step)]
    return first, tuple(rest)


def command(step: Step) -> str:
    """Write a step as one would type it: "ruff check --fix --select F401", "pyupgrade --py310-plus"."""
    if step.tool == RUFF_CHECK:
        return f"ruff check --fix --select {','.join(step.rules)}"
    return " ".join([step.tool, *step.settings]) if step.tool in TOOLS else step.tool


def _family(step: Step) -> str:
    return "ruff" if step.tool in (RUFF_CHECK, RUFF_FORMAT) else step.tool


def _rivals(shop: Workshop, path: str, before: bytes, after: bytes, step: Step) -> Iterator[Step]:
    """Yield what else makes the same: other rules of ruff, its formatter, the first option set of every other tool."""
    setup = Setup.read(step.settings)
    others = sorted(vanished(shop.ruff, path, before, after, setup) - set(step.rules))[:MOST_RULES]
    alone = [lint_step([rule], level, setup) for rule in others for level in LEVELS] if len(step.rules) < 2 else []
    yield from _first_of_each(shop, path, before, after, alone)
    if step.tool == RUFF_CHECK and make(shop, path, before, Step(RUFF_FORMAT, setup.settings())) == after:
        yield Step(RUFF_FORMAT, setup.settings())
    for tool in TOOLS.values():
        if tool.name != step.tool and tool.may_have_written(shop, path, before, after, all_of_it=True):
            variants = [Step(tool.name, settings) for settings in tool.variants(shop)]
            yield from _first_of_each(shop, path, before, after, variants)


def _first_of_each(shop: Workshop, path: str, before: bytes, after: bytes, steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps that make the same, one a tool and rule."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for step in steps:
        key = (step.tool, step.rules)
        if key not in seen and make(shop, path, before, step) == after:
            seen.add(key)
            yield step
