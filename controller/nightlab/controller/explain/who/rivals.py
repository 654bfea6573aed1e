"""Tells which other known tools make exactly the same of a file: two trees cannot say which of them it was.

Of tools that make the same the one that the repo's own configs name is preferred, else ruff, which was found first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nightlab.controller.explain.who.steps import RUFF_CHECK, RUFF_FORMAT, Step, make
from nightlab.controller.explain.who.tools import TOOLS, names_of_repo
from nightlab.controller.explain.who.workshop import Workshop

MOST_RIVALS_BYTES: Final = 256 * 1024


def preferred(
    shop: Workshop, path: str, before: bytes, after: bytes, step: Step
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Return the step to name, and the others that make the same, as commands."""
    steps = [step, *(_rivals(shop, path, before, after, step) if len(before) <= MOST_RIVALS_BYTES else ())]
    named = names_of_repo(shop)
    steps.sort(key=lambda each: _family(each) not in named)
    first, *others = steps if _family(step) not in named else [step, *(each for each in steps if each != step)]
    return (first,), tuple(map(command, others))


def command(step: Step) -> str:
    """Write a step as one would type it: "ruff check --fix --select F401", "pyupgrade --py310-plus"."""
    if step.tool == RUFF_CHECK:
        return f"ruff check --fix --select {','.join(step.rules)}"
    return " ".join([step.tool, *step.settings]) if step.tool in TOOLS else step.tool


def _family(step: Step) -> str:
    return "ruff" if step.tool in (RUFF_CHECK, RUFF_FORMAT) else step.tool


def _rivals(shop: Workshop, path: str, before: bytes, after: bytes, step: Step) -> Iterator[Step]:
    """Yield the first option set of every other tool that makes the same."""
    if step.tool == RUFF_CHECK:
        other = Step(RUFF_FORMAT, step.settings)
        if make(shop, path, before, other) == after:
            yield other
    for tool in TOOLS.values():
        if tool.name == step.tool:
            continue
        steps = (Step(tool.name, settings) for settings in tool.variants(shop))
        same = next((each for each in steps if make(shop, path, before, each) == after), None)
        if same is not None:
            yield same
