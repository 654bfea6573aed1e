"""What stands before a launch: lint, wanted fixes, the smoke run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from nightlab.controller.config.table import Table
from nightlab.controller.config.units import Seconds

Rule = Annotated[str, Field(pattern=r"^(?:[A-Z]{1,5}[0-9]{1,4}|invalid-syntax)$")]


class Lint(Table):
    """What ruff may stop, and which of its fixes you want.

    Attributes:
        allow: Rules of the blocking set that never stop a launch ("B023").
        fix: Which fixes of ruff are made to a trial's tree, on a copy, each as an edit of its own. One that may change
            what the program does is held back until paired smoke runs show no difference. "safe" is ruff's own word.
        format: Whether `ruff format` runs on the files that an edit changed; under the same rule.
        select: Rules or prefixes to fix, as ruff's own `select`; empty: those of the repo's ruff config, else ruff's
            defaults.
    """

    allow: tuple[Rule, ...] = ()
    fix: Literal["off", "safe", "all"] = "off"
    format: bool = False
    select: tuple[str, ...] = ()


class Smoke(Table):
    """A short run before the real one: shape errors, missing files and memory, found in seconds.

    Attributes:
        enabled: Whether each new tree is run so before its training; a tree that ran once is not smoked again.
        command: Its own command; empty: the training command.
        arguments: Added to the command ("--max-steps", "3"); an argument that is there already is replaced.
        env: Added to the training environment.
        timeout: Limit. A smoke run of its own command, or with arguments or env that shorten it, must end before it;
            the bare training command passes when it still runs then.
    """

    enabled: bool = False
    command: str | tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    timeout: Seconds = 60.0

    @field_validator("timeout")
    @classmethod
    def _positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError('must be longer than 0 s, such as "60s"')
        return value

    @property
    def must_end(self) -> bool:
        """Whether a smoke run that is still running at its limit has failed."""
        return bool(self.command or self.arguments or self.env)
