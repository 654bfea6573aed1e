"""What a plugin may learn from how trials ended: a state that the host keeps, in which each trial counts once.

Delivery is at least once and in any order, so a fold remembers which trials it has seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from nightlab.api.params import load_object

STATE_BYTES: Final = 256 << 10
Status = Literal["", "succeeded", "failed", "timed_out", "pruned", "infeasible"]
Observe = Callable[[bytes, "Sequence[Outcome]"], bytes]


class LimitExceeded(Exception):
    """What a plugin hands to the host is larger than the host takes; the text says by how much."""


class BadState(Exception):
    """A state that this plugin did not write, or wrote in another version."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one trial ended.

    Attributes:
        trial_id: The same trial may come more than once.
        action: The action that changed it.
        arguments: What the action was given.
        status: "" for one that this SDK does not know.
        metrics: Measured values by name.
        gain: Against the parent in the first objective; above 0 is better.
    """

    trial_id: str
    action: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    status: Status = "succeeded"
    metrics: Mapping[str, float] = field(default_factory=dict)
    gain: float = 0.0


class Memory:
    """A fold over outcomes that counts each trial once; give it to `Plugin` as `observe`.

    What it keeps is a dictionary of JSON; `recall(context.state)` reads it in `check` and `apply`.
    """

    def __init__(self, fold: Callable[[dict[str, Any], Outcome], None]) -> None:
        self._fold = fold

    def __call__(self, state: bytes, outcomes: Sequence[Outcome]) -> bytes:
        """Fold outcomes into a state, in the order of their trials' ids.

        Raises:
            BadState: The state is none of this class.
            LimitExceeded: The new state is larger than 256 KiB.
        """
        kept = _load(state)
        seen = set(kept["seen"])
        for outcome in sorted(outcomes, key=lambda each: each.trial_id):
            mark = hashlib.blake2b(outcome.trial_id.encode(), digest_size=6).hexdigest()
            if mark not in seen:
                self._fold(kept["memory"], outcome)
                seen.add(mark)
        new = {"memory": kept["memory"], "seen": sorted(seen)}
        return checked_state(json.dumps(new, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())

    def recall(self, state: bytes) -> dict[str, Any]:
        """Return what was remembered; an empty dictionary before the first outcome.

        Raises:
            BadState: The state is none of this class.
        """
        memory: dict[str, Any] = _load(state)["memory"]
        return memory


def remember(fold: Callable[[dict[str, Any], Outcome], None]) -> Memory:
    """Make a `Memory` of `fold(memory, outcome)`, which changes a dictionary of JSON; each trial comes once."""
    return Memory(fold)


def checked_state(state: bytes) -> bytes:
    """Return a state that the host takes.

    Raises:
        LimitExceeded: It is larger than 256 KiB.
    """
    if len(state) > STATE_BYTES:
        raise LimitExceeded(f"the state is {len(state)} bytes; at most {STATE_BYTES}: remember less of each trial")
    return state


def _load(state: bytes) -> dict[str, Any]:
    if not state:
        return {"memory": {}, "seen": []}
    try:
        kept = load_object(state.decode())
    except ValueError as error:
        raise BadState(f"the state is none of nightlab.sdk.Memory: {error}") from None
    if not isinstance(kept.get("memory"), dict) or not isinstance(kept.get("seen"), list):
        raise BadState('the state is none of nightlab.sdk.Memory: it has no "memory" and "seen"')
    return kept
