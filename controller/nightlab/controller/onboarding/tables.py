"""Finds metrics in tables that a run printed: a line of names, then lines of as many numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.onboarding.metric_names import Meaning, meaning_of, words_of
from nightlab.controller.scoring.numbers import read_number

MOST_CELLS: Final = 40
NUMBER: Final = r"([-+]?(?:[\d.]+(?:[eE][-+]?\d+)?|(?i:nan|inf))%?)"
_RULE: Final = re.compile(r"[\s+|=:│┃┌┐└┘├┤┬┴┼─━╇╈┏┓┡┩-]*")
_BARS: Final = "|│┃"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that scores a model.

    Attributes:
        name: As in the header.
        meaning: What it is.
        pattern: Finds its cells, line by line.
        values: Its cells, top to bottom.
        line: The last row.
        number: Of the last row's line.
    """

    name: str
    meaning: Meaning
    pattern: str
    values: tuple[float, ...]
    line: str
    number: int


def table_columns(lines: Sequence[str]) -> Iterator[Column]:
    """Yield the columns of all tables whose names score a model; a repeated header goes on with its table."""
    headers: dict[tuple[str, tuple[str, ...]], list[tuple[int, list[str]]]] = {}
    current: tuple[str, tuple[str, ...]] | None = None
    for number, line in enumerate(lines, 1):
        header = _header(line)
        if header is not None:
            current = header
            headers.setdefault(header, [])
        elif current is not None and not _RULE.fullmatch(line):
            cells = _cells(line, current[0])
            if len(cells) == len(current[1]) and _is_row(cells):
                headers[current].append((number, cells))
            else:
                current = None
    for (kind, names), rows in headers.items():
        if rows:
            yield from _columns(kind, names, rows, lines)


def _header(line: str) -> tuple[str, tuple[str, ...]] | None:
    for kind in ("bar", "tab", "comma", "space"):
        cells = _cells(line, kind)
        if 2 <= len(cells) <= MOST_CELLS and all(_is_name(cell) for cell in cells) and len(set(cells)) == len(cells):
            if any(meaning_of(words_of(cell)) for cell in cells):
                return kind, tuple(cells)
    return None


def _cells(line: str, kind: str) -> list[str]:
    text = line.strip()
    if kind == "space":
        return text.split()
    if kind == "bar":
        for bar in _BARS[1:]:
            text = text.replace(bar, "|")
        return [cell.strip() for cell in text.strip("|").split("|")] if "|" in text else []
    mark = "\t" if kind == "tab" else ","
    return [cell.strip() for cell in text.split(mark)] if mark in text else []


def _is_name(cell: str) -> bool:
    return len(cell) < 40 and re.fullmatch(r"[A-Za-z_#][\w /@%().#-]*", cell) is not None and cell.count(" ") < 4


def _is_row(cells: Sequence[str]) -> bool:
    numbers = sum(read_number(cell) is not None for cell in cells)
    return numbers * 2 >= len(cells) and numbers > 0


def _columns(
    kind: str, names: Sequence[str], rows: Sequence[tuple[int, list[str]]], lines: Sequence[str]
) -> Iterator[Column]:
    starts_with_number = all(cells[0].isdigit() for _, cells in rows)
    for index, name in enumerate(names):
        meaning = meaning_of(words_of(name))
        values = [read_number(cells[index]) for _, cells in rows]
        if meaning is None or None in values or values[-1] != values[-1]:
            continue
        pattern = _pattern(kind, index, len(names), starts_with_number)
        yield Column(
            name=name,
            meaning=meaning,
            pattern=pattern,
            values=tuple(value for value in values if value is not None),
            line=lines[rows[-1][0] - 1].strip()[:200],
            number=rows[-1][0],
        )


def _pattern(kind: str, index: int, count: int, starts_with_number: bool) -> str:
    after = count - index - 1
    if kind == "space":
        first, between, rest = r"\S+", r"\s+", r"(?:\s+\S+)"
    elif kind == "bar":
        first, between, rest = rf"[^{_BARS}]+", rf"[{_BARS}]", rf"[^{_BARS}]*[{_BARS}]?"
    else:
        mark = "\\t" if kind == "tab" else ","
        first, between, rest = f"[^{mark}]*", mark, f"(?:{mark}[^{mark}]*)"
    cells = [first] * index
    if index and starts_with_number:
        cells[0] = r"\s*\d+\s*" if kind != "space" else r"\d+"
    lead = r"^\s*" + (rf"[{_BARS}]?" if kind == "bar" else "")
    before = "".join(cell + between for cell in cells)
    if kind == "bar":
        return rf"{lead}{before}\s*{NUMBER}\s*(?:[{_BARS}]|$)"
    space = "" if kind == "space" else r"\s*"
    return rf"{lead}{before}{space}{NUMBER}" + (rf"{rest}{{{after}}}" if after else "") + r"\s*$"
