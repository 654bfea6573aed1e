"""Edits the arguments of a call one by one, so that comments and line breaks between them stay."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from itertools import pairwise

from nightlab.plugins.training.optimizers import Construction
from nightlab.plugins.training.splice import Splice

Part = ast.expr | ast.keyword


def edit_arguments(
    splice: Splice, made: Construction, drop: Sequence[str], change: Mapping[str, str], add: Mapping[str, str]
) -> None:
    """Edit the call that makes an optimizer.

    Args:
        splice: Of the call's file.
        made: The call.
        drop: Parameters to leave out.
        change: New text of arguments that are written, by parameter.
        add: Text of arguments that are not written, by parameter.
    """
    written: list[Part] = [*made.call.args, *made.call.keywords]
    parts = sorted(written, key=lambda each: (each.lineno, each.col_offset))
    kept = [each for each in parts if _parameter(made, each) not in drop]
    for part in kept:
        _write(splice, made, part, change)
    _cut(splice, parts, kept)
    _append(splice, kept, [f"{name}={text}" for name, text in add.items()])


def _parameter(made: Construction, part: Part) -> str:
    if isinstance(part, ast.keyword):
        return part.arg or ""
    return next((name for name, value in made.arguments.items() if value is part), "")


def _write(splice: Splice, made: Construction, part: Part, change: Mapping[str, str]) -> None:
    """Write one argument; behind the learning rate a positional one gets its name, as orders differ."""
    name = _parameter(made, part)
    value = part.value if isinstance(part, ast.keyword) else part
    named = "" if isinstance(part, ast.keyword) or name in ("", "lr") else f"{name}="
    if name in change or named:
        splice.replace(value, named + change.get(name, made.module.text(value)))


def _cut(splice: Splice, parts: Sequence[Part], kept: Sequence[Part]) -> None:
    for before, part in pairwise(parts):
        if part in kept:
            continue
        alone = splice.own_lines(part)
        splice.replace_span(*(alone or (splice.place(before)[1], splice.place(part)[1])), "")


def _append(splice: Splice, kept: Sequence[Part], texts: Sequence[str]) -> None:
    """Write arguments behind the last one that stays: on lines of their own if that one is."""
    if not texts:
        return
    start, end = splice.place(kept[-1])
    line = splice.module.content.rfind(b"\n", 0, start) + 1
    before = splice.module.content[line:start].decode()
    alone = splice.own_lines(kept[-1])
    if alone:
        splice.replace_span(alone[1], alone[1], "".join(f"{before}{each},{splice.newline}" for each in texts))
        return
    separator = ", " if before.strip() else f",{splice.newline}{before}"
    splice.replace_span(end, end, "".join(separator + each for each in texts))
