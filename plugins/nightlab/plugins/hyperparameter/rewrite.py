"""Writes a literal's new value the way the old one was written, and proves that nothing else changed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from nightlab.plugins.hyperparameter.config_scan import scan_config
from nightlab.plugins.hyperparameter.judge import current
from nightlab.plugins.hyperparameter.literals import Literal, Value
from nightlab.plugins.hyperparameter.python_scan import scan_python
from nightlab.plugins.hyperparameter.source import Source, Unreadable
from nightlab.sdk.literals import replace_expressions

_YAML_WORDS = {"yes": "no", "no": "yes", "on": "off", "off": "on", "true": "false", "false": "true"}


class Unprovable(Exception):
    """An edit would change something else, or not what it should."""


def scan(path: str, content: bytes) -> list[Literal]:
    """List the literals of a file by its kind.

    Raises:
        Unreadable: It cannot be read.
    """
    return scan_python(Source(path, content)) if path.endswith(".py") else scan_config(path, content)


def rewritten(path: str, content: bytes, changes: Mapping[Literal, Value]) -> bytes:
    """Return a file with new values.

    Args:
        path: Of the file.
        content: As it is.
        changes: New value, in the literal's own type, by literal of this file.

    Raises:
        Unprovable: The result would not hold exactly these changes.
    """
    texts = {(literal.start, literal.end): new_text(literal, value) for literal, value in changes.items()}
    try:
        result = replace_expressions(content, texts) if path.endswith(".py") else _spliced(content, texts)
        if path.endswith(".py"):
            compile(result, path, "exec", dont_inherit=True)
        after = {each.name: each for each in scan(path, result)}
        before = scan(path, content)
    except (ValueError, SyntaxError, Unreadable) as error:
        raise Unprovable(f"{path}: {error}") from error
    _prove(before, after, changes)
    return result


def new_text(literal: Literal, value: Value) -> str:
    """Write a value in the literal's own notation: quotes, exponent, powers of two, digit groups."""
    if isinstance(literal.value, str):
        return _quoted(literal, value if isinstance(value, str) else _number_text(literal, literal.value, value))
    if isinstance(value, bool):
        return _flag_text(literal, value)
    if isinstance(value, str):
        return _quoted(literal, value)
    return _number_text(literal, literal.text, value)


def _prove(before: Iterable[Literal], after: Mapping[str, Literal], changes: Mapping[Literal, Value]) -> None:
    wanted = {each.name: changes.get(each, current(each)) for each in before}
    got = {name: current(each) for name, each in after.items()}
    if wanted != got or any(type(got[name]) is not type(value) for name, value in wanted.items()):
        names = sorted({*wanted} ^ {*got} | {name for name in {*wanted} & {*got} if wanted[name] != got[name]})
        raise Unprovable(f"the edit would also change {', '.join(names[:3]) or 'a type'}")


def _number_text(literal: Literal, old: str, value: Value) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer_text(old, value)
    if literal.kind == "number" and float(value) == int(float(value)) and re.fullmatch(r"[-+]?\d+", old):
        return str(int(float(value)))  # argparse type=float with default=1
    text = _float_text(old, float(value))
    plain_yaml = literal.path.endswith((".yaml", ".yml")) and not isinstance(literal.value, str)
    if plain_yaml and "e" in text and "." not in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}.0e{exponent}"  # YAML 1.1 takes 1e-4 for text
    return text


def _integer_text(old: str, value: int) -> str:
    if re.search(r"2\s*\*\*|1\s*<<", old) and value > 0 and value & (value - 1) == 0:
        exponent = value.bit_length() - 1
        return re.sub(r"(2\s*\*\*\s*|1\s*<<\s*).*", lambda match: f"{match[1]}{exponent}", old)
    return f"{value:_}" if "_" in old else str(value)


def _float_text(old: str, value: float) -> str:
    """The shortest text with that value: with an exponent where the old one had one, or where zeros would be many."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    point = len(digits) + exponent  # value = 0.DIGITS * 10 ** point
    scientific = "e" in old.lower() and value != 0 and not 0.1 <= abs(value) < 1000
    if not scientific and (value == 0 or -4 < point <= 15):
        return repr(value) if "e" not in repr(value) else format(Decimal(repr(value)), "f")
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if len(digits) > 1 else "")
    marker = "E" if "E" in old else "e"
    text = f"{'-' if sign else ''}{mantissa}{marker}{point - 1}"
    assert math.isclose(float(text), value, rel_tol=0.0) or float(text) == value
    return text


def _flag_text(literal: Literal, value: bool) -> str:
    if value == literal.value:
        return literal.text
    if literal.path.endswith(".py"):
        return str(value)
    flipped = _YAML_WORDS.get(literal.text.lower(), str(value).lower())
    return flipped.title() if literal.text.istitle() else flipped.upper() if literal.text.isupper() else flipped


def _quoted(literal: Literal, value: str) -> str:
    quote = literal.text[-1]
    if quote not in "\"'":
        return value  # a plain YAML scalar
    if literal.path.endswith(".json") or (quote == '"' and not value.isprintable()):
        return json.dumps(value)
    if literal.path.endswith(".py"):
        plain = repr(value)
        return plain if plain[0] == quote or quote in value else f"{quote}{value}{quote}"
    return f"{quote}{value}{quote}"


def _spliced(content: bytes, texts: Mapping[tuple[int, int], str]) -> bytes:
    for (start, end), text in sorted(texts.items(), reverse=True):
        content = content[:start] + text.encode() + content[end:]
    return content
