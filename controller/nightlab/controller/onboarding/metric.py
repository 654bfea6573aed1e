"""Decides which printed number scores a run, and writes the regular expression that finds exactly it.

Every expression is tried on the whole output before it is offered: it must match where the number was seen and nowhere
else, and its last match must be the last value that was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.model.score import Direction
from nightlab.controller.onboarding.metric_names import (
    SPLIT_WEIGHT,
    Meaning,
    Split,
    meaning_of,
    split_of,
    stage_weight,
    words_of,
)
from nightlab.controller.onboarding.sightings import Sighting, sightings_in
from nightlab.controller.onboarding.tables import Column, table_columns
from nightlab.controller.scoring.numbers import read_number

WORD_GROUP: Final = r"(\S+)"
STRICT_GROUP: Final = r"([-+]?(?:[\d.]+(?:[eE][-+]?\d+)?|(?i:nan|inf)))"
MOST_CANDIDATES: Final = 12
_SPECIAL: Final = re.compile(r"[.^$*+?{}\[\]\\|()]")
_UNIT: Final = re.compile(r"\s?(%|[A-Za-z]+/[A-Za-z]+)(?![\w/])")
_ENDS_EARLY: Final = 0.9  # a number of the last tenth of the output tells the result, not the way to it


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that may score a run.

    Attributes:
        name: For the config.
        direction: Which way is better.
        pattern: Finds it, line by line; one group.
        seen: How often the pattern matched in the sample.
        value: Its last match there.
        unit: For people.
        line: The last line that has it.
        weight: Larger is better.
        reason: Why it is, or is not, the one.
        exact: Whether the pattern matches nothing else.
    """

    name: str
    direction: Direction
    pattern: str
    seen: int
    value: float
    unit: str
    line: str
    weight: int
    reason: str
    exact: bool


def metrics_in(lines: Sequence[str]) -> list[Metric]:
    """Return what may score the run, best first, the first twelve.

    Args:
        lines: What the run printed, as `scoring.scan.visible_line` gives them; a carriage return ends a line too.
    """
    groups = _groups(lines)
    found = [metric for group in groups if (metric := _metric(group, lines)) is not None]
    found += [metric for column in table_columns(lines) if (metric := _table_metric(column, lines)) is not None]
    return sorted(found, key=lambda metric: -metric.weight)[:MOST_CANDIDATES]


def names_in(lines: Sequence[str]) -> list[str]:
    """Return the names of all numbers that were seen, for a person who has to choose; the last forty, the latest last."""
    seen: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        for sighting in sightings_in(number, line):
            label = " ".join(sighting.label.strip("\"'").split())
            seen.pop(label, None)
            seen[label] = None
    return list(seen)[-40:]


def try_pattern(pattern: str, lines: Iterable[str]) -> tuple[int, float | None]:
    """Return how often a pattern finds a number, and the last one; None if the last match is none."""
    regex = re.compile(pattern)
    seen, value = 0, None
    for line in lines:
        for match in regex.finditer(line):
            group = match["value"] if "value" in regex.groupindex else match[1]
            value = None if group is None else read_number(group)
            seen += 1
    return seen, value


def fingerprint(lines: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return all numbers that score a model, with their names: two runs on different seeds differ somewhere in them."""
    return tuple((s.label, s.value) for n, line in enumerate(lines, 1) for s, _, _ in _meant(n, line))


# Grouping


@dataclass(frozen=True, slots=True)
class _Group:
    meaning: Meaning
    words: tuple[str, ...]
    split: Split
    sightings: list[Sighting]


def _groups(lines: Sequence[str]) -> list[_Group]:
    groups: dict[tuple[tuple[str, ...], str], _Group] = {}
    for number, line in enumerate(lines, 1):
        for sighting, meaning, words in _meant(number, line):
            context = words_of(sighting.context)
            split = split_of(words) or split_of(context)
            key = (tuple(word for word in words if not word.isdigit()), split)
            group = groups.setdefault(key, _Group(meaning, words, split, []))
            group.sightings.append(sighting)
    return list(groups.values())


def _meant(number: int, line: str) -> Iterator[tuple[Sighting, Meaning, tuple[str, ...]]]:
    """Yield the sightings that mean something, one for each number: by its nearest name if that does."""
    taken: set[int] = set()
    for sighting in sightings_in(number, line):
        if sighting.number in taken:
            continue
        words = words_of(sighting.label)
        is_inner = any(char.isdigit() for char in sighting.label) and " " in sighting.label
        meaning = meaning_of(words, checked=not is_inner)
        if meaning is not None and not _counts_things(sighting):
            taken.add(sighting.number)
            yield sighting, meaning, words


def _counts_things(sighting: Sighting) -> bool:
    """Whether "10000" of "accuracy on the 10000 test images" is meant, or the 3 of "val loss at step 3"."""
    between = sighting.text[sighting.start + len(sighting.label) : sighting.number]
    if any(mark in between for mark in ":=|│>→(["):
        return False
    after = sighting.text[sighting.end : sighting.end + 6]
    last = words_of(sighting.label)[-1:]
    return _is_whole(sighting) and (
        re.match(r"\s[A-Za-z]{3,}", after) is not None or last in (("step",), ("epoch",), ("iter",))
    )


# Ranking


def _metric(group: _Group, lines: Sequence[str]) -> Metric | None:
    last = group.sightings[-1]
    if last.value != last.value:
        return None
    pattern, exact = _pattern(group.sightings, lines)
    seen, value = try_pattern(pattern, lines)
    if value is None:
        return None
    weight = group.meaning.weight + SPLIT_WEIGHT[group.split] + stage_weight(words_of(last.text[: last.number]))
    weight += 15 if last.line > len(lines) * _ENDS_EARLY else 0
    weight -= 0 if exact else 25
    weight -= 30 if all(_is_whole(sighting) for sighting in group.sightings) else 0
    return Metric(
        name=_slug(group, last),
        direction=group.meaning.direction,
        pattern=pattern,
        seen=seen,
        value=value,
        unit=group.meaning.unit or _unit(last),
        line=last.text.strip()[:200],
        weight=weight,
        reason=reason_of(group.meaning, group.split),
        exact=exact,
    )


def _is_whole(sighting: Sighting) -> bool:
    """Whether it may be a count; "9881/10000" is a share."""
    return sighting.value.is_integer() and not sighting.text.startswith("/", sighting.end)


def reason_of(meaning: Meaning, split: Split) -> str:
    """Say what a metric is and on which data, for a person."""
    data = {"validation": "on validation data", "test": "on test data", "train": "on training data only"}
    return f"{meaning.kind} {data.get(split, 'on data that the name does not tell')}"


def _slug(group: _Group, last: Sighting) -> str:
    words = [word for word in group.words if not (word.isdigit() or word in ("s", "the", "on", "of", "average", "is"))]
    if group.split and not split_of(tuple(words)):
        words.insert(0, last.context.lower().replace("-", "").replace(" ", ""))
    return named("_".join(words))


def named(text: str) -> str:
    """Make a name that the config takes."""
    plain = re.sub(r"[^A-Za-z0-9_]", "", text)
    return plain[:64] if re.match(r"[A-Za-z]", plain) else f"metric_{plain}"[:64]


def _unit(last: Sighting) -> str:
    match = _UNIT.match(last.text, last.end)
    return match[1] if match else ""


# Expressions


def _pattern(sightings: Sequence[Sighting], lines: Sequence[str]) -> tuple[str, bool]:
    """Return the shortest expression that finds these numbers and no others, and whether there is one."""
    wanted = [(sighting.line, sighting.value) for sighting in sightings]
    last = sightings[-1]
    tried = []
    for begin in _beginnings(sightings):
        for group in (WORD_GROUP, STRICT_GROUP):
            pattern = begin + group
            if _found(pattern, lines) == wanted:
                return pattern, True
            tried.append(pattern)
    loose = [pattern for pattern in reversed(tried) if try_pattern(pattern, lines)[1] == last.value]
    return (loose or tried)[0], False


def _beginnings(sightings: Sequence[Sighting]) -> Iterator[str]:
    """Yield what stands before the number, from the name alone to the whole line."""
    last = sightings[-1]
    name = _generalized(last.text[last.start : last.number])
    if all(sighting.start == 0 for sighting in sightings):
        yield "^" + name
    yield (r"\b" if last.text[last.start].isalnum() or last.text[last.start] == "_" else "") + name
    if last.context:
        yield r"\b" + _generalized(last.text[last.context_at : last.number])
    before = last.text[: last.start].rstrip()
    word_at = max(before.rfind(" "), before.rfind("\t")) + 1
    if before:
        yield _generalized(last.text[word_at : last.number])
    yield "^" + _generalized(last.text[: last.number])


def _generalized(text: str) -> str:
    """Write text as an expression in which numbers, and the width of what stands before the last one, may differ."""
    parts = re.split(r"(\s{2,}|\t|\s$|(?<![A-Za-z_])\d[\d.,:]*)", text)
    return "".join(
        r"\s+" if part.isspace() else r"\S+" if index % 2 else _SPECIAL.sub(r"\\\g<0>", part)
        for index, part in enumerate(parts)
    )


def _found(pattern: str, lines: Sequence[str]) -> list[tuple[int, float | None]]:
    regex = re.compile(pattern)
    return [(n, read_number(m[1])) for n, line in enumerate(lines, 1) for m in regex.finditer(line)]


# Tables


def _table_metric(column: Column, lines: Sequence[str]) -> Metric | None:
    seen, value = try_pattern(column.pattern, lines)
    if value != column.values[-1]:
        return None
    words = words_of(column.name)
    split = split_of(words)
    weight = column.meaning.weight + SPLIT_WEIGHT[split] + stage_weight(words)
    return Metric(
        name=named("_".join(words)),
        direction=column.meaning.direction,
        pattern=column.pattern,
        seen=seen,
        value=value,
        unit=column.meaning.unit,
        line=column.line,
        weight=weight + (15 if column.number > len(lines) * _ENDS_EARLY else 0),
        reason=f"a column of a table: {reason_of(column.meaning, split)}",
        exact=seen == len(column.values),
    )
