"""A synthetic study with several actions whose gains add up, one that does harm and one that always crashes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from nightlab.controller.config.schema import Constraint, Objective, Observed, Regex
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.policy import Candidate, Past, Policy
from nightlab.controller.search.recipe import Recipes, with_call

LOSS = Objective(name="loss", measure=Regex(pattern="loss (.*)"))
MEMORY = Constraint(name="memory", measure=Observed(source="observed", quantity="peak_memory"), max=100.0)
NOISE = 0.003
BASE = 2.0
CONFIRMATIONS = 2


def _number(low, high, default):
    return {"type": "number", "minimum": low, "maximum": high, "default": default, "x-scale": "log"}


def action(plugin, properties, **more):
    return Candidate(plugin, "set", {"type": "object", "properties": properties}, f"{plugin}-1", **more)


LITERALS = action("hyperparameter", {"lr": _number(1e-4, 1e-1, 1e-3), "wd": _number(1e-3, 1.0, 0.1)})
OPTIMIZER = action("optimizer", {"kind": {"enum": ["adamw", "lion", "muon"]}}, default_is_base=False)
SCHEDULE = action("schedule", {"kind": {"enum": ["linear", "cosine", "wsd"]}}, default_is_base=False)
HARMFUL = action("harmful", {"p": _number(0.01, 0.5, 0.1)}, default_is_base=False)
CRASHING = action("crashing", {"n": _number(1.0, 64.0, 8.0)}, default_is_base=False)
ALL = (LITERALS, OPTIMIZER, SCHEDULE, HARMFUL, CRASHING)


@dataclass
class Orchard:
    """One drawn study: where the literals' best values are and what each other choice is worth."""

    seed: int

    def __post_init__(self):
        draw = random.Random(f"orchard/{self.seed}")
        self.best_lr = draw.choice([3e-4, 3e-3])
        self.kinds = {
            "optimizer": dict(zip(draw.sample(["adamw", "lion", "muon"], 3), (-0.06, -0.02, 0.02), strict=True)),
            "schedule": dict(zip(draw.sample(["linear", "cosine", "wsd"], 3), (-0.05, -0.02, 0.01), strict=True)),
        }

    @property
    def optimum(self):
        """The best loss that there is."""
        return BASE - 0.06 - 0.05 - self._bowl(1e-3)

    def loss(self, recipe):
        """Return the true loss of a recipe; None if it crashes."""
        plugins = {name for name, _ in recipe}
        if "crashing" in plugins:
            return None
        total = BASE + (0.04 if "harmful" in plugins else 0.0)
        for (plugin, _), each in recipe.items():
            if plugin in self.kinds:
                total += self.kinds[plugin][each.call.arguments["kind"]]
            elif plugin == "hyperparameter":
                total += self._bowl(each.call.arguments["lr"]) - self._bowl(1e-3)
        return total

    def _bowl(self, lr):
        return 0.2 * math.log10(lr / self.best_lr) ** 2


def night(policy: Policy, orchard: Orchard, candidates: Sequence[Candidate], trials: int) -> list[Past]:
    """Run a study: what looks better than the incumbent is run again, and kept if it still is."""
    noise = random.Random(f"noise/{orchard.seed}")
    history = [
        Past(n, None, Verdict.BASELINE, {"loss": BASE + noise.gauss(0, NOISE)}, True, {}, 60.0) for n in range(3)
    ]
    incumbent = fmean(past.values["loss"] for past in history)
    for number in range(3, 3 + trials):
        proposal = policy.propose(candidates, history, number)
        assert proposal is not None
        recipe = with_call(Recipes(history).of(proposal.parent), proposal.call, number)
        true = orchard.loss(recipe)
        past = Past(number, proposal.call, Verdict.CRASH, container_s=20.0, parent=proposal.parent)
        if true is not None:
            runs = [true + noise.gauss(0, NOISE) for _ in range(1 + CONFIRMATIONS)]
            past = replace(past, verdict=Verdict.DISCARD, values={"loss": runs[0]}, container_s=60.0)
            if max(runs[0], fmean(runs[1:])) < incumbent - 2 * NOISE:
                incumbent = fmean(runs[1:])
                past = replace(past, verdict=Verdict.KEEP, values={"loss": fmean(runs)})
        history.append(past)
    return history


class FromBase:
    """A policy that never hears of a keep, so that it proposes one action at a time on the base tree."""

    def __init__(self, inner: Policy) -> None:
        self.inner = inner

    def propose(self, candidates, history, number):
        told = [replace(p, verdict=Verdict.DISCARD) if p.verdict is Verdict.KEEP else p for p in history]
        return self.inner.propose(candidates, told, number)


def found(orchard: Orchard, history: Sequence[Past]) -> float:
    """Return which share of all there is to gain the best kept trial has, without noise."""
    kept = [past for past in history if past.verdict is Verdict.KEEP]
    if not kept:
        return 0.0
    best = min(kept, key=lambda past: past.values["loss"])
    return (BASE - orchard.loss(Recipes(history).of(best.number))) / (BASE - orchard.optimum)


def call(candidate: Candidate, **arguments: object) -> ActionCall:
    """Return a call of a candidate."""
    return ActionCall(*candidate.name, arguments, candidate.schema_digest)
