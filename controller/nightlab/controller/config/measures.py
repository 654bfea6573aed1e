"""Where a quantity comes from: printed, in a file, or observed from outside."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Discriminator, Tag, field_validator

from nightlab.controller.config.table import Table


class Regex(Table):
    """A quantity printed by the training command.

    Attributes:
        pattern: With one group around the number, matched line by line, or a named group "value".
        select: Which match counts.
    """

    source: Literal["regex"] = "regex"
    pattern: str
    select: Literal["last", "first", "min", "max"] = "last"

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, value: str) -> str:
        try:
            compiled = re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        if compiled.groups != 1 and "value" not in compiled.groupindex:
            raise ValueError(f'has {compiled.groups} groups; put one around the number, such as "val_loss: (\\\\S+)"')
        return value


class JsonFile(Table):
    """A quantity in a JSON (or JSON-lines) file that the run writes.

    Attributes:
        path: Relative to the workspace; a glob such as "runs/*/result.json" where each run names its folder anew, and
            then exactly one file must match.
        key: Dotted path to the number; an integer part indexes a list.
        select: Which line of a JSON-lines file counts.
    """

    source: Literal["json"]
    path: str
    key: str
    select: Literal["last", "first", "min", "max"] = "last"


class CsvFile(Table):
    """A quantity in a CSV file with a header that the run writes.

    Attributes:
        path: Relative to the workspace; a glob as above where each run names its folder anew.
        column: Name in the header.
        select: Which row counts; rows with an empty cell are passed over.
    """

    source: Literal["csv"]
    path: str
    column: str
    select: Literal["last", "first", "min", "max"] = "last"


class Observed(Table):
    """A quantity that nightlab measures from outside the container.

    Attributes:
        quantity: Seconds of the training command by the host's clock, or bytes of memory or GPU memory at their peak.
    """

    source: Literal["observed"]
    quantity: Literal["wall_time", "peak_memory", "gpu_memory"]


def _source(value: object) -> object:
    """Name the kind of a measure; without a word it is a regular expression."""
    return value.get("source", "regex") if isinstance(value, dict) else getattr(value, "source", None)


Measure = Annotated[
    Annotated[Regex, Tag("regex")]
    | Annotated[JsonFile, Tag("json")]
    | Annotated[CsvFile, Tag("csv")]
    | Annotated[Observed, Tag("observed")],
    Discriminator(_source),
]
