"""Parameter annotations and the nightlab-params/1 schema that a typed signature stands for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints

from nightlab.api.params import schema_problems
from nightlab.sdk.action import Context


class Parameter(Protocol):
    """An annotation that can write its property's schema."""

    def spec(self) -> dict[str, Any]:
        """Return the property's schema without default and title."""


@dataclass(frozen=True, slots=True)
class Float:
    """A number from low to high, both included; log searches by ratio."""

    low: float
    high: float
    log: bool = False
    description: str = ""

    def spec(self) -> dict[str, Any]:
        """Return the property's schema."""
        scale = "log" if self.log else "linear"
        return _told(self, {"type": "number", "minimum": self.low, "maximum": self.high, "x-scale": scale})


@dataclass(frozen=True, slots=True)
class Int:
    """An integer from low to high, both included, in steps that divide low."""

    low: int
    high: int
    step: int = 1
    log: bool = False
    description: str = ""

    def spec(self) -> dict[str, Any]:
        """Return the property's schema."""
        scale = "log" if self.log else "linear"
        spec = {"type": "integer", "minimum": self.low, "maximum": self.high, "x-scale": scale}
        return _told(self, spec | ({"multipleOf": self.step} if self.step != 1 else {}))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values of one type."""

    values: tuple[str | int | float, ...]
    description: str = ""

    def __init__(self, *values: str | int | float, description: str = "") -> None:
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "description", description)

    def spec(self) -> dict[str, Any]:
        """Return the property's schema."""
        kinds = {type(value) for value in self.values}
        kind = {str: "string", int: "integer", float: "number"}.get(next(iter(kinds)) if len(kinds) == 1 else float)
        return _told(self, {"type": kind, "enum": list(self.values)})


@dataclass(frozen=True, slots=True)
class Bool:
    """True or false."""

    description: str = ""

    def spec(self) -> dict[str, Any]:
        """Return the property's schema."""
        return _told(self, {"type": "boolean"})


@dataclass(frozen=True, slots=True)
class Text:
    """Free text, which only a person or a model can fill in."""

    max_length: int = 4096
    description: str = ""

    def spec(self) -> dict[str, Any]:
        """Return the property's schema."""
        return _told(self, {"type": "string", "maxLength": self.max_length, "x-sampleable": False})


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Derive the schema of a function whose first parameter is the workspace.

    Raises:
        TypeError: A parameter has no annotation of this module, or the schema is not in nightlab-params/1.
    """
    hints = get_type_hints(function, include_extras=True)
    context = context_parameter(function)
    parameters = [each for each in _parameters(function) if each.name != context]
    properties = {each.name: _property(function, each, hints.get(each.name)) for each in parameters}
    required = [each.name for each in parameters if each.default is inspect.Parameter.empty]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    problems = schema_problems(schema)
    if problems:
        raise TypeError(f"{function.__name__}{problems[0].pointer}: {problems[0].summary}; use {problems[0].allowed}")
    return schema


def context_parameter(function: Callable[..., Any]) -> str:
    """Return the name of the parameter that is a Context; empty: there is none."""
    hints = get_type_hints(function, include_extras=True)
    return next((each.name for each in _parameters(function) if hints.get(each.name) is Context), "")


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())[1:]


def _property(function: Callable[..., Any], parameter: inspect.Parameter, hint: object) -> dict[str, Any]:
    spec = _annotation(hint)
    if spec is None:
        raise TypeError(
            f"{function.__name__}: parameter {parameter.name} needs Annotated[type, Float|Int|Choice|Bool|Text(...)]"
        )
    return spec if parameter.default is inspect.Parameter.empty else spec | {"default": parameter.default}


def _annotation(hint: object) -> dict[str, Any] | None:
    if hint is bool:
        return Bool().spec()
    if get_origin(hint) is not Annotated:
        return None
    return next((each.spec() for each in get_args(hint)[1:] if hasattr(each, "spec")), None)


def _told(parameter: Any, spec: dict[str, Any]) -> dict[str, Any]:
    return spec | {"description": parameter.description} if parameter.description else spec
