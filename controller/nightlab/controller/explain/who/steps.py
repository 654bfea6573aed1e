"""One step of a replay: a tool with its settings, as a value, and making it on a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nightlab.controller.explain.who.ruff import Setup
from nightlab.controller.explain.who.tools import TOOLS
from nightlab.controller.explain.who.workshop import Workshop
from nightlab.controller.model.change import Writer

RUFF_CHECK: Final = "ruff check"
RUFF_FORMAT: Final = "ruff format"
_ENABLED: Final = "--select="


@dataclass(frozen=True, slots=True)
class Step:
    """A tool that ran.

    Attributes:
        tool: "ruff check", "ruff format" or a row of TOOLS.
        settings: As of a Writer.
        rules: Of `ruff check`, sorted.
        level: Of `ruff check`, one of ruff.LEVELS.
    """

    tool: str
    settings: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    level: str = ""

    @classmethod
    def of(cls, writer: Writer, rules: Sequence[str] | None = None) -> Step:
        """Return what a writer did, with some of its rules only."""
        kept = writer.rules if rules is None else tuple(sorted(set(rules) & set(writer.rules)))
        return cls(writer.tool, writer.settings, kept, writer.applicability)

    def without(self, rules: Iterable[str]) -> Step:
        """Return it with fewer rules."""
        gone = set(rules)
        return replace(self, rules=tuple(rule for rule in self.rules if rule not in gone))

    def writer(self, paths: tuple[str, ...], *, is_exact: bool) -> Writer:
        """Return it as a value of the model."""
        return Writer(self.tool, paths, self.rules, self.level, self.settings, is_exact)


def lint_step(rules: Iterable[str], level: str, setup: Setup, enabled: str = "") -> Step:
    """Return a step of `ruff check`; `enabled` as of Ruff.fix."""
    settings = (*setup.settings(), *([f"{_ENABLED}{enabled}"] if enabled else []))
    return Step(RUFF_CHECK, settings, tuple(sorted(set(rules))), level)


def needs_unsafe(step: Step) -> bool:
    """Tell whether ruff itself does not call the step's fixes safe."""
    return step.level.startswith("unsafe")


def make(shop: Workshop, path: str, content: bytes, step: Step) -> bytes | None:
    """Make one step; None if the tool cannot read the file or is not installed."""
    if step.tool == RUFF_CHECK:
        enabled = next((each.removeprefix(_ENABLED) for each in step.settings if each.startswith(_ENABLED)), "")
        setup = Setup.read(step.settings)
        return shop.ruff.fix(path, content, step.rules, step.level or "safe", setup, enabled=enabled)
    if step.tool == RUFF_FORMAT:
        return shop.ruff.format(path, content, Setup.read(step.settings))
    tool = TOOLS.get(step.tool)
    return tool.run(shop, path, content, step.settings) if tool else None


def make_all(shop: Workshop, path: str, content: bytes, steps: Iterable[Step]) -> bytes | None:
    """Make steps one after another; None if one of them fails."""

    made: bytes | None = content
    for step in steps:
        made = make(shop, path, made, step) if made is not None else None
    return made
