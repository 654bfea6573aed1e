"""The move: set the shape of the learning rate over the run."""

from __future__ import annotations

from typing import Annotated

from nightlab.plugins.schedule.code import SHAPES, Schedule
from nightlab.plugins.schedule.existing import refuse_other, written
from nightlab.plugins.schedule.place import put, rewrite
from nightlab.plugins.schedule.progress import levels
from nightlab.plugins.training.optimizers import refuse_frameworks
from nightlab.plugins.training.program import READS, WRITES
from nightlab.plugins.training.workspace import Scripts, scripts
from nightlab.sdk import Choice, Edits, Effect, Float, action


def check(ws: Edits) -> None:
    """Refuse what is not understood."""
    found = _understood(ws)
    if written(found) is None:
        levels(found)


@action(reads=READS, writes=WRITES, check=check, effects=(Effect("loss", "down"),))
def set_schedule(
    ws: Edits,
    shape: Annotated[str, Choice(*SHAPES)] = "cosine",
    warmup: Annotated[float, Float(0.0, 0.3)] = 0.05,
    final: Annotated[float, Float(0.0, 0.5)] = 0.1,
    decay: Annotated[float, Float(0.05, 0.5)] = 0.2,
) -> str:
    """Let the learning rate warm up, then fall over the run: cosine, linear, constant, or stable and then decay (wsd).

    warmup is the part of the run in which the rate rises to what the script sets; final the last rate as a part of it;
    decay, of wsd only, the part of the run at its end in which it falls. Works where one optimizer steps in loops whose
    length is known and nothing else sets its rate.
    """
    found, schedule = _understood(ws), Schedule(shape, warmup, final, decay)
    known = written(found)
    if known is not None:
        rewrite(ws, *known, schedule)
    else:
        put(ws, levels(found), schedule)
    return schedule.words


def _understood(ws: Edits) -> Scripts:
    found = scripts(ws)
    refuse_frameworks(list(found))
    refuse_other(found)
    return found
