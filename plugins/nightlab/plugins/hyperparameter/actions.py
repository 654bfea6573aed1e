"""The two moves: `hyperparameter` sets any of the tunable literals, `set_literal` a single one of any kind.

The search has the first. The second is for the host, which sets a seed with it; free text is never searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from nightlab.api.params import argument_problems, complete, pointer
from nightlab.plugins.hyperparameter.judge import Frozen, Tunable, current
from nightlab.plugins.hyperparameter.literals import Literal, Value
from nightlab.plugins.hyperparameter.rewrite import Unprovable, rewritten
from nightlab.plugins.hyperparameter.workspace import Survey, survey
from nightlab.sdk import Action, Checked, Context, Edits, Note, Unmet
from nightlab.sdk.service import problem_note

WRITES: Final = ("**/*.py", "**/*.toml", "**/*.yaml", "**/*.yml", "**/*.json")
MAX_FROZEN_NOTES: Final = 1000
READS: Final = (*WRITES, "**/*.sh")

_SET_LITERAL: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 512, "x-sampleable": False},
        "value_json": {"type": "string", "maxLength": 512, "x-sampleable": False},
    },
    "required": ["id", "value_json"],
    "additionalProperties": False,
}


class Tune(Action):
    """Sets literals of the script to other values."""

    name = "hyperparameter"
    title = "Set hyperparameters"
    description = (
        "Sets numbers, switches and named choices that the training code already has (module constants, option, "
        "dataclass and config-file defaults, constructor arguments) to other values. What decides budget, evaluation, "
        "data, seed or paths is frozen and never offered."
    )
    reads = READS
    writes = WRITES
    schema_from_workspace = True

    def check(self, ws: Edits, context: Context) -> Checked:
        """Offer each tunable literal as a parameter, and say of each frozen one why."""
        found = survey(ws, context.settings)
        notes = [*found.problems, *found.seed_notes(), *_frozen_notes(found.frozen)]
        if not found.tunable:
            notes.insert(0, Note("error", "no tunable literal was found", "name one in search.tunable"))
        return Checked(bool(found.tunable), tuple(notes), schema_of(found.tunable))

    def apply(self, ws: Edits, arguments: Mapping[str, Any], context: Context) -> str:
        """Rewrite the literals that get another value."""
        found = survey(ws, context.settings)
        _refuse_bad(found, arguments)
        values = complete(schema_of(found.tunable), arguments)
        literals = {each.literal.id: each.literal for each in found.tunable}
        changes = {literals[name]: value for name, value in values.items() if value != current(literals[name])}
        _write(ws, changes)
        return ", ".join(f"{literal.name} {literal.text} -> {_shown(value)}" for literal, value in changes.items())


class SetLiteral(Action):
    """Sets one literal, frozen or not, to a value of its type."""

    name = "set_literal"
    title = "Set one literal"
    description = "Sets the literal with an id such as train.py:SEED to a JSON value of the same type. Not searched."
    reads = READS
    writes = WRITES
    schema = _SET_LITERAL

    def check(self, ws: Edits, context: Context) -> Checked:
        """Fits wherever there is a literal."""
        found = survey(ws, context.settings)
        return Checked(bool(found.tunable or found.frozen), tuple(found.problems))

    def apply(self, ws: Edits, arguments: Mapping[str, Any], context: Context) -> str:
        """Rewrite it."""
        found = survey(ws, context.settings)
        literal = found.find(arguments["id"])
        if literal is None:
            raise Unmet(
                f"there is no literal {arguments['id']!r}", detail=found.nearest(arguments["id"]), pointer="/id"
            )
        value = _typed(literal, arguments["value_json"])
        _write(ws, {literal: value} if value != current(literal) else {})
        return f"{literal.name} {literal.text} -> {_shown(value)}"


def schema_of(tunable: Iterable[Tunable]) -> dict[str, Any]:
    """The parameters of `hyperparameter`: one per literal, none required."""
    properties = {each.literal.id: dict(each.spec) for each in tunable}
    return {"type": "object", "properties": properties, "required": [], "additionalProperties": False}


def _refuse_bad(found: Survey, arguments: Mapping[str, Any]) -> None:
    problems = argument_problems(schema_of(found.tunable), arguments)
    if not problems:
        return
    frozen = {pointer(each.literal.id): each for each in found.frozen}
    notes = [
        Note("error", _frozen_summary(frozen[each.pointer]), frozen[each.pointer].reason, each.pointer)
        if each.pointer in frozen
        else problem_note(each)
        for each in problems
    ]
    raise Unmet(notes[0].summary, detail=notes[0].detail, pointer=notes[0].pointer, more=notes[1:])


def _write(ws: Edits, changes: Mapping[Literal, Value]) -> None:
    by_path: dict[str, dict[Literal, Value]] = {}
    for literal, value in changes.items():
        by_path.setdefault(literal.path, {})[literal] = value
    for path, values in by_path.items():
        try:
            ws.write(path, rewritten(path, ws.read(path), values))
        except Unprovable as error:
            names = ", ".join(literal.id for literal in values)
            raise Unmet(f"{names} cannot be set: {error}", pointer=pointer(next(iter(values)).id)) from error


def _typed(literal: Literal, text: str) -> Value:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Unmet(f"value_json {text!r} is not JSON: {error}", pointer="/value_json") from error
    old = current(literal)
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(old) or value != value:
        raise Unmet(f"{literal.id} is a {literal.kind} and {text[:80]} is not", pointer="/value_json")
    return old if value == old else value


def _frozen_notes(frozen: Sequence[Frozen]) -> Iterable[Note]:
    told = [each for each in frozen if each.told]
    for each in told[:MAX_FROZEN_NOTES]:
        yield Note("note", _frozen_summary(each), each.reason, each.literal.where)


def _frozen_summary(frozen: Frozen) -> str:
    return f"frozen: {frozen.category}: {frozen.literal.name} = {frozen.literal.text}"


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
