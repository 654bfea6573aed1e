"""Maps nightlab-params/1 to Optuna's distributions and drawn values back to arguments of the right JSON types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nightlab.api.params import complete, schema_digest

__all__ = ["arguments_of", "distribution", "distributions", "schema_digest"]
DIGITS: Final = 4


def distributions(schema: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """Return a distribution for each parameter that can be drawn; free text has none."""
    found = {name: distribution(spec) for name, spec in schema["properties"].items()}
    return {name: each for name, each in found.items() if each is not None}


def distribution(spec: Mapping[str, Any]) -> BaseDistribution | None:
    """Return one parameter's distribution, None for free text."""
    if not spec.get("x-sampleable", True):
        return None
    if "enum" in spec:
        return CategoricalDistribution(tuple(spec["enum"]))
    if spec["type"] == "boolean":
        return CategoricalDistribution((False, True))
    if spec["type"] == "string":
        return None
    log, step = spec.get("x-scale") == "log", spec.get("multipleOf", 1)
    if spec["type"] == "number":
        return FloatDistribution(float(spec["minimum"]), float(spec["maximum"]), log=log)
    # Optuna takes a step or a log scale, not both; its steps count from low, and low is on the grid.
    return IntDistribution(int(spec["minimum"]), int(spec["maximum"]), log=log and step == 1, step=step)


def arguments_of(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn drawn values into arguments.

    Numbers are rounded to a few significant digits, so that a patch reads 0.00037 and not 0.00037219384651, and kept
    within their bounds.
    """
    properties = schema["properties"]
    drawn = {name: _rounded(properties[name], value) for name, value in values.items()}
    return complete({**schema, "properties": {name: properties[name] for name in drawn}}, drawn)


def _rounded(spec: Mapping[str, Any], value: Any) -> Any:
    if spec["type"] != "number" or "enum" in spec:
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), spec["minimum"]), spec["maximum"])
