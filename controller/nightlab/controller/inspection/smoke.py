"""One real smoke run of a working tree, in a container, as a study makes it before a launch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError
from nightlab.controller.inspection.subject import Subject
from nightlab.controller.model.trial import Ending, SmokeReport
from nightlab.controller.report.gate_view import Check, CheckState
from nightlab.controller.report.gate_words import smoke_line


@dataclass(frozen=True, slots=True)
class Smoked:
    """What the smoke run says; `report` is None where none was made."""

    report: SmokeReport | None
    check: Check
    notes: tuple[str, ...] = ()


async def smoke_run(
    subject: Subject, config: Config | None, *, is_wanted: bool, is_blocked: bool, note: Callable[[str], None]
) -> Smoked:
    """Make the smoke run, where it is wanted and nothing blocks it.

    Raises:
        ConfigError: It is wanted and there is no nightlab.toml.
        EngineError, LinkError, StudyStopped: The image or the machine failed.
    """
    if not is_wanted:
        return Smoked(None, _check(CheckState.SKIPPED, "--smoke makes one"))
    if config is None:
        raise ConfigError("a smoke run needs a nightlab.toml", hint=f"`nightlab init {subject.root}` writes one")
    if is_blocked:
        return Smoked(None, _check(CheckState.SKIPPED, "ruff's findings come first"))
    raise NotImplementedError


def _check(state: CheckState, reason: str) -> Check:
    return Check("smoke", "smoke run", state, reason)


def judged(report: SmokeReport) -> Smoked:
    """Turn a smoke run's report into a check."""
    state = CheckState.PASSED if report.ending is Ending.FINISHED else CheckState.FAILED
    return Smoked(report, _check(state, smoke_line(report)[:40]))
