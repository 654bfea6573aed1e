"""What a proposal costs with a hundred actions and a night of trials behind it. No container takes part."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Final

from nightlab.controller.bench.latency import MS
from nightlab.controller.bench.stand import Stand
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.config.schema import Constraint, Objective, Observed, Regex
from nightlab.controller.model.score import Verdict
from nightlab.controller.search.policy import Candidate, Past, Proposal
from nightlab.controller.search.tpe import TpePolicy

ACTIONS: Final = 100
LITERALS: Final = 30
TRIALS: Final = 300
ASKED: Final = 40
KEEP_EVERY: Final = 40
LOSS: Final = Objective(name="loss", measure=Regex(pattern="loss (.*)"))
MEMORY: Final = Constraint(name="memory", measure=Observed(source="observed", quantity="peak_memory"), max=1e9)
NUMBER: Final = {"type": "number", "minimum": 0.01, "maximum": 100.0, "default": 1.0, "x-scale": "log"}


async def proposal(stand: Stand) -> Row:
    """Ask for the trials after the 300th, the history growing; candidates and history are made anew as in a night."""
    del stand
    samples = timed(ACTIONS, TRIALS, ASKED)
    note = f"slowest {max(samples):.0f} ms; the first one after a start reads all spaces and loads Optuna"
    return Row("proposal", f"a proposal, {ACTIONS} actions, {TRIALS} trials", "ms", samples, Bar(50.0), note=note)


def timed(actions: int, trials: int, asked: int) -> list[float]:
    """Run a night of computed trials and return how long the last proposals took, in milliseconds.

    Args:
        actions: Enabled ones, one of them with many parameters.
        trials: Before the first proposal that is timed.
        asked: Proposals that are timed.
    """
    policy, draw = TpePolicy([LOSS], [MEMORY], 0), random.Random(0)
    history = [Past(n, None, Verdict.BASELINE, {"loss": 2.0 + draw.gauss(0, 0.003)}, container_s=60.0) for n in (0, 1)]
    samples = []
    for number in range(2, trials + asked):
        told = [replace(past) for past in history]
        candidates = _candidates(actions)
        began = time.perf_counter()
        found = policy.propose(candidates, told, number)
        samples.append((time.perf_counter() - began) * MS)
        if found is None:
            break
        history.append(_ran(found, number, draw))
    return samples[-asked:]


def _candidates(count: int) -> list[Candidate]:
    literals = {f"train.py:L{at}": NUMBER for at in range(LITERALS)}
    first = Candidate("hyperparameter", "set_literals", {"type": "object", "properties": literals}, "l1")
    few = {"kind": {"enum": ["a", "b", "c", "d"]}, "lr": NUMBER, "decay": NUMBER, "nesterov": {"type": "boolean"}}
    others = (
        Candidate(f"plugin{at}", "apply", {"type": "object", "properties": few}, f"p{at}", default_is_base=False)
        for at in range(count - 1)
    )
    return [first, *others]


def _ran(found: Proposal, number: int, draw: random.Random) -> Past:
    """Return a trial with some noise; now and then it is kept, so that recipes grow."""
    is_kept = number % KEEP_EVERY == 0
    verdict = Verdict.KEEP if is_kept else Verdict.CRASH if number % 9 == 0 else Verdict.DISCARD
    values = {} if verdict is Verdict.CRASH else {"loss": 2.0 - number / 1e4 * is_kept + draw.gauss(0, 0.01)}
    return Past(number, found.call, verdict, values, container_s=60.0, parent=found.parent)
