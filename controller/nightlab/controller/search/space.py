"""Turns a parameter schema (nightlab-params/1) into a search space; one parameter of it is `parameter`'s.

Whether a schema is well-formed as a whole belongs to the plugin host; what cannot be searched here is left out, never
guessed.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from nightlab.controller.search.parameter import Parameter, Value, is_same
from nightlab.controller.search.policy import Candidate

Assignment = Mapping[str, Value]
Key = tuple[tuple[Value, ...], tuple[bool, ...]]


@dataclass(frozen=True)
class Space:
    """The parameters of one action.

    Attributes:
        parameters: Those that can be sampled, in the schema's order.
        fixed: Values of those that cannot, but have a default.
    """

    parameters: tuple[Parameter, ...]
    fixed: Mapping[str, Value]

    def defaults(self) -> dict[str, Value]:
        """Return the assignment that changes nothing."""
        return {**{p.name: p.default for p in self.parameters}, **self.fixed}

    def complete(self, arguments: Mapping[str, object]) -> dict[str, Value]:
        """Fill missing arguments with defaults and drop those that the schema does not know."""
        known = self.defaults()
        return {
            **known,
            **{k: v for k, v in arguments.items() if k in known and isinstance(v, (bool, int, float, str))},
        }

    def changed(self, assignment: Assignment) -> list[str]:
        """Name the parameters that differ from their default."""
        return self.changed_between(assignment, self.defaults())

    def changed_between(self, one: Assignment, other: Assignment) -> list[str]:
        """Name the parameters in which two assignments differ."""
        return [p.name for p in self.parameters if not is_same(one[p.name], other[p.name])]

    def listed(self, limit: int, frozen: frozenset[str] = frozenset()) -> list[dict[str, Value]] | None:
        """List every assignment, frozen parameters at their default; None if there are more than a limit."""
        values = {p.name: (p.default,) if p.name in frozen else p.values(limit) for p in self.parameters}
        if any(v is None for v in values.values()) or math.prod(len(v or ()) for v in values.values()) > limit:
            return None
        rows = itertools.product(*(v or () for v in values.values()))
        return [dict(zip(values, row, strict=True)) | dict(self.fixed) for row in rows]

    def drawn(self, draw: random.Random, frozen: frozenset[str] = frozenset()) -> dict[str, Value]:
        """Draw an assignment from the whole space, frozen parameters at their default."""
        return {**self.defaults(), **{p.name: p.drawn(draw) for p in self.parameters if p.name not in frozen}}

    def key(self, assignment: Assignment) -> Key:
        """Return one value for equal assignments: 1 and 1.0 are the same number, True and 1 are not."""
        values = [assignment[name] for name in self.names]
        return tuple(values), tuple(isinstance(value, bool) for value in values)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, fixed ones last."""
        return (*(p.name for p in self.parameters), *self.fixed)


def space_of(candidate: Candidate) -> Space | None:
    """Read a candidate's schema.

    Returns:
        None if a required value cannot be chosen by sampling and has no default: such an action is for models only.
    """
    properties = candidate.schema.get("properties", {})
    if not isinstance(properties, Mapping):
        return None
    parameters: list[Parameter] = []
    fixed: dict[str, Value] = {}
    for name, described in properties.items():
        default = candidate.defaults.get(name, described.get("default"))
        parameter = _parameter(name, described, default)
        if parameter is not None:
            parameters.append(parameter)
        elif isinstance(default, (bool, int, float, str)):
            fixed[name] = default
        else:
            return None
    return Space(tuple(parameters), fixed)


def _parameter(name: str, described: Mapping[str, Any], default: Any) -> Parameter | None:
    if described.get("x-sampleable") is False:
        return None
    choices = [False, True] if described.get("type") == "boolean" else described.get("enum")
    if choices is not None:
        return _choice(name, tuple(choices), default)
    if described.get("type") not in ("number", "integer"):
        return None
    low, high = described.get("minimum"), described.get("maximum")
    if low is None or high is None:
        return None
    return _number(name, described, float(low), float(high), default)


def _choice(name: str, choices: tuple[Value, ...], default: Any) -> Parameter | None:
    if len(choices) < 2:
        return None
    default = choices[0] if default is None else default
    return Parameter(name, "choice", default, 0.0, float(len(choices) - 1), choices=choices)


def _number(name: str, described: Mapping[str, Any], low: float, high: float, default: Any) -> Parameter | None:
    kind: Literal["int", "float"] = "int" if described["type"] == "integer" else "float"
    grid = int(described.get("multipleOf", 1)) if kind == "int" else 1
    if kind == "int":
        low, high = math.ceil(low / grid) * grid, math.floor(high / grid) * grid
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return None
    log = described.get("x-scale") == "log" and low > 0
    parameter = Parameter(name, kind, low, low, high, log=log, grid=grid)
    if isinstance(default, (int, float)) and not isinstance(default, bool) and math.isfinite(default):
        middle: Value = default
    else:
        middle = parameter.snapped(math.sqrt(low * high) if log else (low + high) / 2)
    return Parameter(name, kind, middle, low, high, log=log, grid=grid)
