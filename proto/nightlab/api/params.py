"""nightlab-params/1: the frozen subset of JSON Schema that describes an action's arguments.

A flat object. The root holds `type: object`, `properties`, `required` and `additionalProperties: false`, no more. A
property has a `type` (number, integer, boolean, string) and what `KEYWORDS` allows for it; numbers have both bounds or
an `enum`; steps (`multipleOf`) are for integers only, because 3 * 0.1 is no multiple of 0.1. A property that is not
required has a `default`: leaving it out means that value. Host and plugins import this file, so both mean the same.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

VERSION: Final = "nightlab-params/1"
MAX_PROPERTIES: Final = 2000
MAX_NAME: Final = 512
_COMMON: Final = frozenset({"type", "enum", "default", "title", "description", "x-sampleable"})
KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    "number": _COMMON | {"minimum", "maximum", "x-scale"},
    "integer": _COMMON | {"minimum", "maximum", "multipleOf", "x-scale"},
    "boolean": _COMMON,
    "string": _COMMON | {"maxLength"},
}
_ROOT: Final = frozenset({"$schema", "type", "properties", "required", "additionalProperties"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        pointer: JSON Pointer to it.
        summary: What was found, in one line.
        allowed: What would be right.
    """

    pointer: str
    summary: str
    allowed: str


def canonical_json(value: object) -> str:
    """Write JSON in the one form that is hashed and compared: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: A number is not finite, or the value is no JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def schema_digest(schema: Mapping[str, Any]) -> str:
    """Name a schema: the first 12 hex characters of the sha256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(schema).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def pointer(*parts: str) -> str:
    """Build a JSON Pointer (RFC 6901) of unescaped parts."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def load_object(text: str) -> dict[str, Any]:
    """Read a JSON object strictly: no NaN, no repeated key.

    Raises:
        ValueError: The text is anything else; the message says what.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeat)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"is a JSON {type(value).__name__}, not an object")
    return value


def is_sampleable(schema: Mapping[str, Any]) -> bool:
    """Tell whether every parameter can be drawn without a language model; false without any parameter."""
    properties = schema.get("properties", {})
    return bool(properties) and all(map(_property_sampleable, properties.values()))


def schema_problems(schema: object) -> list[Problem]:
    """List what keeps a schema out of nightlab-params/1; empty: it is in."""
    if not isinstance(schema, dict):
        return [Problem("", "the schema is not an object", 'an object with "type": "object"')]
    return [*_root_problems(schema), *_properties_problems(schema)]


def argument_problems(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Problem]:
    """List what is wrong with arguments for a schema that is in the subset; empty: they may be used."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    problems = [
        Problem(pointer(name), f"{name} is required", describe(properties[name]))
        for name in schema.get("required", ())
        if name not in arguments
    ]
    for name, value in arguments.items():
        if name not in properties:
            problems.append(Problem(pointer(name), f"{name} is not a parameter", _known(properties)))
        elif not accepts(properties[name], value):
            summary = f"{name} = {_show(value)} is not allowed"
            problems.append(Problem(pointer(name), summary, describe(properties[name])))
    return problems


def complete(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in defaults and give each accepted value its own JSON type (1 becomes 1.0 for a number, 8.0 becomes 8)."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    filled = {name: spec["default"] for name, spec in properties.items() if "default" in spec} | dict(arguments)
    return {name: _typed(properties[name], value) for name, value in filled.items()}


def accepts(spec: Mapping[str, Any], value: object) -> bool:
    """Tell whether one property's schema takes a value."""
    if not _is_type(spec["type"], value):
        return False
    if "enum" in spec:
        return any(_same(value, choice) for choice in spec["enum"])
    if isinstance(value, str):
        return bool(len(value) <= spec.get("maxLength", math.inf))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    inside = bool(spec["minimum"] <= value <= spec["maximum"])
    return inside and int(value) % int(spec["multipleOf"]) == 0 if "multipleOf" in spec else inside


def describe(spec: Mapping[str, Any]) -> str:
    """Say in words what a property takes."""
    if "enum" in spec:
        return "one of " + ", ".join(map(_show, spec["enum"]))
    if spec["type"] in ("number", "integer"):
        step = f" in steps of {spec['multipleOf']}" if "multipleOf" in spec else ""
        return f"{spec['type']} from {_show(spec['minimum'])} to {_show(spec['maximum'])}{step}"
    if "maxLength" in spec:
        return f"string of at most {spec['maxLength']} characters"
    return str(spec["type"])


def _root_problems(schema: Mapping[str, Any]) -> Iterator[Problem]:
    for key in sorted(schema.keys() - _ROOT):
        yield Problem(pointer(key), f"{key} is not in {VERSION}", "only " + ", ".join(sorted(_ROOT)))
    if schema.get("type") != "object":
        yield Problem("/type", "the root's type is not object", '"object"')
    if schema.get("additionalProperties") is not False:
        yield Problem("/additionalProperties", "additionalProperties is not false", "false")


def _properties_problems(schema: Mapping[str, Any]) -> Iterator[Problem]:
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or len(properties) > MAX_PROPERTIES:
        yield Problem("/properties", "properties is no object or too large", f"at most {MAX_PROPERTIES} properties")
        return
    if not isinstance(required, list) or not all(isinstance(name, str) and name in properties for name in required):
        yield Problem("/required", "required is no list of known properties", _known(properties))
        return
    for name, spec in properties.items():
        at = pointer("properties", name)
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            yield Problem(at, "the name is empty, too long or not printable", f"1 to {MAX_NAME} printable characters")
        if not isinstance(spec, dict) or not isinstance(spec.get("type"), str) or spec["type"] not in KEYWORDS:
            yield Problem(at + "/type", "the type is missing or unknown", " or ".join(KEYWORDS))
            continue
        for problem in _spec_problems(spec):
            yield Problem(at + problem.pointer, problem.summary, problem.allowed)
        if name not in required and "default" not in spec:
            yield Problem(at, f"{name} is neither required nor has it a default", "one of both")


def _spec_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    kind = spec["type"]
    for key in sorted(spec.keys() - KEYWORDS[kind]):
        yield Problem(pointer(key), f"{key} is not in {VERSION} for {kind}", ", ".join(sorted(KEYWORDS[kind])))
    if "enum" in spec:
        choices = spec["enum"]
        if not isinstance(choices, list) or not choices or not all(_is_type(kind, choice) for choice in choices):
            yield Problem("/enum", "enum is empty or holds another type", f"a list of {kind} values")
            return
    elif kind in ("number", "integer"):
        wrong = list(_bounds_problems(spec))
        yield from wrong
        if wrong:
            return
    yield from _detail_problems(spec)


def _bounds_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    kind, low, high = spec["type"], spec.get("minimum"), spec.get("maximum")
    if not _is_type(kind, low) or not _is_type(kind, high):
        yield Problem("", "minimum or maximum is missing or of another type", f"both, as {kind}")
        return
    assert isinstance(low, int | float) and isinstance(high, int | float)
    if low > high:
        yield Problem("/minimum", f"minimum {low} is above maximum {high}", f"at most {high}")
    if spec.get("x-scale", "linear") not in ("linear", "log"):
        yield Problem("/x-scale", "x-scale is unknown", "linear or log")
    elif spec.get("x-scale") == "log" and low <= 0:
        yield Problem("/x-scale", f"a log scale cannot begin at {low}", "a minimum above 0")
    step = spec.get("multipleOf")
    if "multipleOf" in spec and (type(step) is not int or step < 1 or low % step):
        yield Problem("/multipleOf", "multipleOf is no positive integer that divides minimum", "an integer from 1")


def _detail_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    length = spec.get("maxLength", 0)
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        yield Problem("/maxLength", "maxLength is no integer from 0", "an integer from 0")
    elif "default" in spec and not accepts(spec, spec["default"]):
        yield Problem("/default", f"the default {_show(spec['default'])} is not allowed", describe(spec))
    if not isinstance(spec.get("x-sampleable", True), bool):
        yield Problem("/x-sampleable", "x-sampleable is no boolean", "true or false")
    for key in ("title", "description"):
        if not isinstance(spec.get(key, ""), str):
            yield Problem(f"/{key}", f"{key} is no string", "a string")


def _is_type(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int):
        return kind in ("integer", "number")
    if isinstance(value, float):
        return math.isfinite(value) and (kind == "number" or (kind == "integer" and value.is_integer()))
    return kind == "string" and isinstance(value, str)


def _same(value: object, choice: object) -> bool:
    return value == choice and isinstance(value, bool) == isinstance(choice, bool)


def _typed(spec: Mapping[str, Any], value: Any) -> Any:
    if spec["type"] == "number":
        return float(value)
    return int(value) if spec["type"] == "integer" else value


def _property_sampleable(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("x-sampleable", True)) and (spec["type"] != "string" or "enum" in spec)


def _known(properties: Mapping[str, Any]) -> str:
    names = sorted(properties)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ("one of " + ", ".join(names[:12]) + more) if names else "no parameter at all"


def _show(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _no_repeat(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object repeats a key")
    return result
