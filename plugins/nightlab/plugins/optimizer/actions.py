"""The two moves: `swap` makes any optimizer that fits, `shrink` one that keeps less state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nightlab.api.params import argument_problems
from nightlab.plugins.optimizer.swap import refuse_what_depends_on_it, swap
from nightlab.plugins.optimizer.targets import ONE_STATE, TARGETS, fitting, misfit
from nightlab.plugins.training.numbers import number_text
from nightlab.plugins.training.optimizers import Construction, find_construction
from nightlab.plugins.training.program import READS, WRITES, Module, modules
from nightlab.sdk import Action, Checked, Context, Edits, Effect, Note, Unmet
from nightlab.sdk.service import problem_note

_TWO_STATES: Final = ("Adam", "AdamW", "NAdam", "RAdam")
_RULES: Final = (
    "Works where exactly one optimizer of torch.optim is made; the parameters and groups passed to it stay as they are "
    "written. The learning rate is multiplied by a usual ratio of the two optimizers (Adam to SGD 30, Adam to Lion "
    "0.2) and by lr_scale, also where it is assigned to parameter groups or passed to a scheduler; the weight decay is "
    "divided by that ratio where it acts through the learning rate."
)


def schema_of(names: tuple[str, ...]) -> dict[str, Any]:
    """The parameters, with the optimizers that may be chosen."""
    scale = {"type": "number", "minimum": 0.1, "maximum": 10.0, "x-scale": "log", "default": 1.0}
    return {
        "type": "object",
        "properties": {
            "optimizer": {"type": "string", "enum": list(names), "description": "What is made instead."},
            "lr_scale": scale | {"description": "Multiplied onto the usual ratio of the two learning rates."},
        },
        "required": ["optimizer"],
        "additionalProperties": False,
    }


class Swap(Action):
    """Makes another optimizer."""

    name = "swap"
    title = "Swap the optimizer"
    description = (
        "Makes another optimizer: SGD with momentum, Nesterov's, Adam, AdamW, NAdam, RAdam, Lion or Muon (the last two "
        f"as a class that is written into the file). {_RULES}"
    )
    reads = READS
    writes = WRITES
    targets: tuple[str, ...] = tuple(TARGETS)
    schema: Mapping[str, Any] = schema_of(tuple(TARGETS))
    effects = (Effect("loss", "down"),)

    def check(self, ws: Edits, context: Context) -> Checked:
        """Offer the optimizers that fit, and say of each other one why not."""
        _, made = self._found(ws, context)
        names = self._fitting(made)
        notes = [Note("note", f"{made.where} makes {made.family.name}", pointer=made.where)]
        notes += [Note("note", f"not {each}: {why}") for each in self.targets if (why := misfit(made, each))]
        if not names:
            return Checked(False, (Note("error", f"{made.where}: no other optimizer fits", pointer=made.where), *notes))
        return Checked(True, tuple(notes), schema_of(names))

    def apply(self, ws: Edits, arguments: Mapping[str, Any], context: Context) -> str:
        """Make it."""
        files, made = self._found(ws, context)
        names = self._fitting(made)
        problems = [problem_note(each) for each in argument_problems(schema_of(names), arguments)] if names else []
        if problems or not names:
            first = problems[0] if problems else Note("error", f"{made.where}: no other optimizer fits", "", made.where)
            raise Unmet(first.summary, detail=first.detail, pointer=first.pointer, more=problems[1:])
        name, scale = arguments["optimizer"], arguments["lr_scale"]
        gone = swap(ws, files, made, name, scale)
        left_out = f", without {', '.join(gone)}" if gone else ""
        return f"{made.family.name} -> {name}, lr_scale {number_text(scale)}{left_out}"

    def _found(self, ws: Edits, context: Context) -> tuple[list[Module], Construction]:
        files = modules(ws, context.settings)
        made = find_construction(files)
        refuse_what_depends_on_it(files, made)
        return files, made

    def _fitting(self, made: Construction) -> tuple[str, ...]:
        return tuple(name for name in fitting(made) if name in self.targets)


class Shrink(Swap):
    """Makes an optimizer with one number of state for each weight where there were two."""

    name = "shrink"
    title = "Make an optimizer with less state"
    description = (
        f"Makes SGD with momentum, Nesterov's or Lion where an Adam is made: half of the optimizer's memory. {_RULES}"
    )
    targets = ONE_STATE
    schema = schema_of(ONE_STATE)
    effects = (Effect("peak_memory", "down"),)

    def _found(self, ws: Edits, context: Context) -> tuple[list[Module], Construction]:
        files, made = super()._found(ws, context)
        if made.family.name not in _TWO_STATES:
            raise Unmet(f"{made.where} makes {made.family.name}, which has no two states", pointer=made.where)
        return files, made
