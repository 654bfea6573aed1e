"""What a person asks of the kit, and the run of it: lines on stdout, an exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nightlab.sdk.conformance.budget import Budget
from nightlab.sdk.conformance.kit import known, read_expected, verdicts
from nightlab.sdk.conformance.table import VERSIONS, Check, required
from nightlab.sdk.conformance.target import Target
from nightlab.sdk.conformance.verdict import BAD, Verdict, closing_line
from nightlab.sdk.conformance.workspaces import BUILT_IN, of_directory


@dataclass(frozen=True, slots=True)
class Order:
    """Which checks, on what, how often.

    Attributes:
        workspace: Directory that the actions are asked about; None: a small repo of the kit's own.
        requirements: Version of the protocol.
        expected_failures: File of names of checks.
        only: Names of checks; empty: all.
        budget: What the plugin may take.
    """

    workspace: Path | None = None
    requirements: str = VERSIONS[-1]
    expected_failures: Path | None = None
    only: Sequence[str] = ()
    budget: Budget = field(default_factory=Budget)


class BadOrder(ValueError):
    """The order names what is not there; the text says what there is."""


def run(order: Order, target: Target, write: Callable[[str], None]) -> int:
    """Check a plugin, write a line for each check and one that counts, and return the exit code.

    Raises:
        BadOrder: Nothing was started.
    """
    try:
        checks, expected = _chosen(order), read_expected(order.expected_failures)
        files = BUILT_IN if order.workspace is None else of_directory(order.workspace)
    except ValueError as error:
        raise BadOrder(str(error)) from error
    found: list[Verdict] = []
    for verdict in verdicts(target, checks, files=files, budget=order.budget, expected=expected):
        write(verdict.line())
        found.append(verdict)
    write(closing_line(found))
    return int(any(each.status in BAD for each in found))


def _chosen(order: Order) -> tuple[Check, ...]:
    names = known(order.only)
    checks = tuple(check for check in required(order.requirements) if not names or check.name in names)
    if not checks:
        raise ValueError(f"{', '.join(names)} is not in the requirements {order.requirements}")
    return checks
