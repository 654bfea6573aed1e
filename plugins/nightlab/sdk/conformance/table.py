"""Which checks there are, and which version of the protocol each belongs to.

Frozen: a version's checks stay what they are. A new check belongs to the next version, a wrong one is mended or taken
out, and the CHANGELOG says so; `tests/sdk/conformance/test_table.py` holds the lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nightlab.sdk.conformance import editing, learning, living, refusing, starting
from nightlab.sdk.conformance.session import Session

VERSIONS: Final = ("v1.0",)
PAGE: Final = "docs/plugin-protocol.md"


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the protocol.

    Attributes:
        name: As in the page on the protocol.
        since: The first version that has it.
        run: Asks the plugin; returns what was seen, or raises a verdict.
    """

    name: str
    since: str
    run: Callable[[Session], str]

    @property
    def spec(self) -> str:
        """Where the promise is written down."""
        return f"{PAGE}#{self.name}"

    @property
    def title(self) -> str:
        """The promise in one line."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


def _since(version: str, *runs: Callable[[Session], str]) -> tuple[Check, ...]:
    return tuple(Check(run.__name__.replace("_", "-"), version, run) for run in runs)


CHECKS: Final = _since(
    "v1.0",
    *(starting.info, starting.unknown_values, starting.actions_named, starting.actions_stable, starting.paging),
    *(starting.page_token, starting.descriptions, starting.schemas, starting.globs, starting.effects),
    *(editing.apply_answers, editing.apply_repeatable, editing.check_harmless, editing.edits_inside_writes),
    *(editing.edits_on_base, editing.edits_change, editing.parallel, editing.unknown_action, editing.large_message),
    *(refusing.random_arguments, refusing.bad_arguments, refusing.bad_json, refusing.narrowed_schema),
    *(refusing.missing_files, refusing.empty_workspace, refusing.not_utf8, refusing.line_ends, refusing.settings),
    *(refusing.garbage_state, learning.optional_calls, learning.observe_idempotent, learning.state_size),
    *(learning.completion, learning.completion_nonsense, living.start_time, living.restart, living.call_time),
    *(living.output, living.memory, living.confined, living.sigterm, living.no_socket),
)


def required(version: str) -> tuple[Check, ...]:
    """Return the checks of a version.

    Raises:
        ValueError: There is no such version.
    """
    if version not in VERSIONS:
        raise ValueError(f"there are no requirements {version!r}; there are {', '.join(VERSIONS)}")
    until = VERSIONS.index(version)
    return tuple(check for check in CHECKS if VERSIONS.index(check.since) <= until)
