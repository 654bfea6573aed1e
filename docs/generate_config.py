"""Writes docs/config.md from the docstrings of `config.schema`, so that the page cannot say anything else.

Run `python docs/generate_config.py` after a change of the schema; a test says so if it was forgotten.
"""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from nightlab.controller.config import schema
from nightlab.controller.config.units import Bytes, Seconds, show_bytes, show_seconds

PAGE: Final = Path(__file__).parent / "config.md"
SECTIONS: Final = (
    ("The top", schema.Config),
    ("[image]", schema.Image),
    ("[prepare]", schema.Prepare),
    ("[train]", schema.Train),
    ("[[objectives]]", schema.Objective),
    ("[[constraints]]", schema.Constraint),
    ('measure, source = "regex"', schema.Regex),
    ('measure, source = "json"', schema.JsonFile),
    ('measure, source = "csv"', schema.CsvFile),
    ('measure, source = "observed"', schema.Observed),
    ("[noise]", schema.Noise),
    ("noise.seed", schema.Seed),
    ("[budget]", schema.Budget),
    ("[search]", schema.Search),
    ("search.tunable", schema.Range),
    ("[plugins.NAME]", schema.Plugin),
    ("[lint]", schema.Lint),
    ("[smoke]", schema.Smoke),
    ("[security]", schema.Security),
)
PLAIN: Final = {Any: "anything", str: "text", bool: "true or false", int: "whole number", float: "number"}
HEAD: Final = """\
# nightlab.toml

Written from the docstrings of `controller/nightlab/controller/config` by `python docs/generate_config.py`; change them.

Unknown keys are errors. Sizes are bytes or text such as `"512m"` and `"4g"` (powers of 1024); times are seconds or text
such as `"90s"`, `"30m"` and `"8h"`. Paths of the repo are relative to it. A setting may also be given for one run, on
the command line (`--set train.memory=16g`) or in the environment (`NIGHTLAB__TRAIN__MEMORY=16g`); the command line wins
over the environment, and that over the file.

```toml
name = "my-model"

[image]
workspace = "/app"              # found by content if left out

[train]
command = "python train.py"
timeout = "30m"
cpus = 4
memory = "8g"
editable = ["train.py", "configs/*.yaml"]
outputs = ["out/*.pt"]

[[objectives]]                  # the first one decides what is kept
name = "val_loss"
direction = "minimize"
measure = { pattern = 'val_loss: (\\S+)' }

[[objectives]]                  # the others span the Pareto front
name = "peak_memory"
unit = "bytes"
measure = { source = "observed", quantity = "peak_memory" }

[[constraints]]
name = "wall_time"
unit = "s"
max = 1200
measure = { source = "observed", quantity = "wall_time" }

[noise]
seed = { kind = "argument", name = "--seed" }

[budget]
trials = 40
wall_time = "8h"

[search.tunable]
"train.py:WARMUP" = { low = 10, high = 1000, log = true }
```
"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, model in SECTIONS:
        parts.append(f"## {title}\n\n{_summary(model)}\n\n| key | takes | default | |\n|---|---|---|---|")
        parts.append("\n".join(_rows(model)) + "\n")
    return "\n".join(parts)


def _summary(model: type[BaseModel]) -> str:
    return (inspect.getdoc(model) or "").partition("\nAttributes:")[0].strip().replace("\n", " ")


def _rows(model: type[BaseModel]) -> Iterator[str]:
    told = attributes(model)
    for name, field in model.model_fields.items():
        annotation = typing.get_type_hints(model, include_extras=True)[name]
        default = _default(field.get_default(call_default_factory=True), annotation)
        cells = (f"`{name}`", _takes(annotation), default, told.get(name, ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def attributes(model: type[BaseModel]) -> dict[str, str]:
    """Read the Attributes section of a docstring."""
    found: dict[str, str] = {}
    name = ""
    for line in (inspect.getdoc(model) or "").partition("\nAttributes:")[2].splitlines():
        if match := re.match(r" {4}(\w+): (.*)", line):
            name = match[1]
            found[name] = match[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def _takes(annotation: Any) -> str:
    if annotation == Bytes:
        return "size"
    if annotation == Seconds:
        return "time"
    if annotation == schema.Measure:
        return "a measure, see below"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f'`"{value}"`' for value in arguments)
    if origin is typing.Annotated:
        return _takes(arguments[0])
    if origin is tuple:
        return f"list: {_takes(arguments[0])}"
    if origin is dict:
        return f"table: {_takes(arguments[1])}"
    if arguments:
        return " or ".join(dict.fromkeys(_takes(kind) for kind in arguments if kind is not type(None)))
    return PLAIN.get(annotation) or _named(annotation)


def _named(annotation: Any) -> str:
    titles = {model: title for title, model in SECTIONS}
    if annotation in titles:
        return "see " + titles[annotation].strip("[]")
    return " or ".join(f'`"{member.value}"`' for member in annotation)


def _default(value: Any, annotation: Any) -> str:
    if value is PydanticUndefined:
        return "needed"
    if isinstance(value, BaseModel):
        return ""
    if value is None or value in ("", (), {}):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if annotation == Bytes:
        return show_bytes(value)
    if annotation == Seconds:
        return show_seconds(value)
    if isinstance(value, tuple):
        return ", ".join(f'`"{item}"`' for item in value)
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
