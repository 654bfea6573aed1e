"""What a policy is asked and what it answers.

A policy is a function of the study's history alone: the store is the only source of truth, so the same candidates,
history and number give the same proposal, before and after a restart. Applying the call belongs to the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall


@dataclass(frozen=True)
class Candidate:
    """An action that could be taken now.

    Attributes:
        plugin: Name of the plugin.
        action: Name of the action.
        schema: Its parameter schema for this workspace, in the nightlab-params/1 subset.
        schema_digest: Of that schema; sha256 hex, first 12 characters.
        defaults: The value that each parameter has now; wins over a `default` of the schema.
        default_is_base: The default arguments leave the tree as it is, so that they are never proposed. False for an
            action that changes the tree whatever its arguments are.
        effects: Where its author expects a quantity to go: {"peak_memory": "down"}. A hint, never a fact.
    """

    plugin: str
    action: str
    schema: Mapping[str, object]
    schema_digest: str
    defaults: Mapping[str, object] = field(default_factory=dict)
    default_is_base: bool = True
    effects: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str]:
        """Of the action: its plugin's and its own."""
        return self.plugin, self.action


@dataclass(frozen=True)
class Past:
    """One trial as a policy sees it.

    Attributes:
        number: Of the trial.
        call: The action taken; None for a run of the base tree.
        verdict: None while it runs.
        values: By objective name, in the objective's own unit; only what was measured.
        feasible: False if a constraint was broken or memory ran out.
        constraint_excess: By constraint name, how far beyond its bound (above 0: broken), in the constraint's unit.
        container_s: Container seconds spent on it.
        notices: What the gate has to say of it, a line each, for a policy that reads: what was rolled back, which fixes
            were held back and why, how its smoke run failed. Of a `void` trial it is all that there is.
        parent: The trial whose recipe `call` was added to, or replaced the same action in; 0 is the base.
    """

    number: int
    call: ActionCall | None
    verdict: Verdict | None
    values: Mapping[str, float] = field(default_factory=dict)
    feasible: bool = True
    constraint_excess: Mapping[str, float] = field(default_factory=dict)
    container_s: float = 0.0
    notices: tuple[str, ...] = ()
    parent: int = 0


@dataclass(frozen=True)
class Proposal:
    """What to try next.

    Attributes:
        call: The action with a full assignment of its parameters.
        reason: Why, in one line for a person.
        parent: The trial on whose recipe the call is made; 0 is the base tree.
    """

    call: ActionCall
    reason: str
    parent: int = 0


class Policy(Protocol):
    """Chooses the next action."""

    def propose(self, candidates: Sequence[Candidate], history: Sequence[Past], number: int) -> Proposal | None:
        """Choose an action and its arguments.

        Args:
            candidates: What can be taken now.
            history: Every trial so far, running ones included, in any order.
            number: Of the trial that the proposal is for; part of the random state.

        Returns:
            A proposal that no trial of the history has executed, or None when nothing new is left.
        """
        ...
