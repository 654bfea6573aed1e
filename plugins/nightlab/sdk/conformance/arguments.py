"""Arguments for a nightlab-params/1 schema: a plain example, random ones, and ones that must be refused.

The same seed makes the same arguments, so that a failure is seen again.
"""

from __future__ import annotations

import json
import math
import random
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nightlab.api.params import pointer

HUGE: Final = 2**20
DEEP: Final = 100_000
_LETTERS: Final = string.ascii_letters + string.digits + " _-./\"'\\\n\täß漢🙂"
Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """Arguments that must be refused.

    Attributes:
        what: What is wrong with them.
        text: As arguments_json.
        pointer: What the rejection points at; None: it need not point.
    """

    what: str
    text: str
    pointer: str | None = None


def example(schema: Spec) -> dict[str, Any]:
    """Choose defaults where there are any, and what lies in the middle elsewhere."""
    return {name: spec.get("default", _middle(spec)) for name, spec in schema.get("properties", {}).items()}


def samples(schema: Spec, seed: str, count: int) -> list[dict[str, Any]]:
    """Make so many different arguments: all lowest, all highest, only what is required, then random ones."""
    properties: Mapping[str, Spec] = schema.get("properties", {})
    required = {name: _middle(properties[name]) for name in schema.get("required", ()) if name in properties}
    rng = random.Random(seed)
    made = [
        {name: _low(spec) for name, spec in properties.items()},
        {name: _high(spec) for name, spec in properties.items()},
        required,
        *({name: _drawn(spec, rng) for name, spec in properties.items()} for _ in range(max(count - 3, 0))),
    ]
    return list({json.dumps(each, sort_keys=True): each for each in made}.values())[:count]


def bad_values(schema: Spec, others: Mapping[str, Any] | None = None) -> Iterator[Bad]:
    """Yield arguments of which one is missing, unknown, of another type or out of range.

    Args:
        schema: In the subset.
        others: Good arguments, of which one is spoiled; None: those of `example`.
    """
    good = example(schema) if others is None else dict(others)
    properties: Mapping[str, Spec] = schema.get("properties", {})
    yield _bad("an unknown argument", good | {"no_such_argument": 1}, "no_such_argument")
    for name in schema.get("required", ()):
        yield _bad(f"{name} missing", {key: value for key, value in good.items() if key != name}, name)
    for name, spec in properties.items():
        for what, value in _wrong(spec):
            yield _bad(f"{name} {what}", good | {name: value}, name)


def bad_texts(schema: Spec) -> Iterator[Bad]:
    """Yield texts that are no arguments at all."""
    first = next(iter(schema.get("properties", {})), "no_such_argument")
    name = json.dumps(first)
    yield Bad("text that is not JSON", "{lr: 1")
    yield Bad("a JSON array", "[]")
    yield Bad("a JSON string", '"text"')
    yield Bad("NaN, which is no JSON", f"{{{name}: NaN}}")
    yield Bad("a number too large for a double", f"{{{name}: 1e999}}")
    yield Bad("an array as a value", f"{{{name}: [1]}}", pointer(first))
    yield Bad("a long list", f"{{{name}: [{'1,' * (HUGE // 2)}1]}}")
    yield Bad("deep nesting", f"{{{name}: {'[' * DEEP}{']' * DEEP}}}")


def _bad(what: str, arguments: Mapping[str, Any], name: str) -> Bad:
    return Bad(what, json.dumps(arguments), pointer(name))


def _wrong(spec: Spec) -> Iterator[tuple[str, Any]]:
    yield "null", None
    yield "an object", {}
    if spec["type"] != "boolean":
        yield "a boolean", True
    if spec["type"] == "string":
        yield "a number", 3
        if "maxLength" in spec:
            yield "too long", "x" * (spec["maxLength"] + 1)
    else:
        yield "text", "not a value of this parameter"
    if "enum" in spec and spec["type"] in ("integer", "number"):
        yield "not one of the choices", max(spec["enum"]) + 1
    elif "enum" in spec and spec["type"] == "string":
        yield "not one of the choices", max(spec["enum"], key=len) + "x"
    elif spec["type"] in ("integer", "number"):
        yield from _outside(spec)


def _outside(spec: Spec) -> Iterator[tuple[str, Any]]:
    beyond = 1 if spec["type"] == "integer" else max(abs(spec["maximum"] - spec["minimum"]), 1e-9)
    yield "too small", spec["minimum"] - beyond * spec.get("multipleOf", 1)
    yield "too large", spec["maximum"] + beyond * spec.get("multipleOf", 1)
    if spec["type"] == "integer" and spec["maximum"] > spec["minimum"]:
        yield "between two integers", spec["minimum"] + 0.5
    if spec.get("multipleOf", 1) > 1:
        yield "off the grid", spec["minimum"] + 1


def _middle(spec: Spec) -> Any:
    if "enum" in spec:
        return spec["enum"][0]
    if spec["type"] == "boolean":
        return True
    if spec["type"] == "string":
        return "text"[: spec.get("maxLength", 4)]
    return _between(spec, 0.5)


def _low(spec: Spec) -> Any:
    if "enum" in spec:
        return spec["enum"][0]
    return {"boolean": False, "string": ""}.get(spec["type"], spec.get("minimum"))


def _high(spec: Spec) -> Any:
    if "enum" in spec:
        return spec["enum"][-1]
    if spec["type"] in ("boolean", "string"):
        return True if spec["type"] == "boolean" else "x" * min(spec.get("maxLength", 200), 20_000)
    return _between(spec, 1.0)


def _drawn(spec: Spec, rng: random.Random) -> Any:
    if "enum" in spec:
        return rng.choice(spec["enum"])
    if spec["type"] == "boolean":
        return rng.random() < 0.5
    if spec["type"] == "string":
        return "".join(rng.choices(_LETTERS, k=rng.randint(0, min(spec.get("maxLength", 200), 200))))
    return _between(spec, rng.random())


def _between(spec: Spec, share: float) -> int | float:
    """The value at that share of the way from minimum to maximum, by ratio on a log scale."""
    low, high = spec["minimum"], spec["maximum"]
    value = low + (high - low) * share
    if spec.get("x-scale") == "log":
        value = math.exp(math.log(low) + (math.log(high) - math.log(low)) * share)
    if spec["type"] == "number":
        return float(min(max(value, low), high))
    step = int(spec.get("multipleOf", 1))
    return int(low) + int((min(max(value, low), high) - low) // step) * step
