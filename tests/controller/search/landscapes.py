"""Synthetic objectives that behave like training runs: bowls in a few of many literals, noise, cliffs and crashes.

Every landscape is drawn from a seed; nothing about it is told to a policy.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from nightlab.controller.config.schema import Constraint, Objective, Observed, Regex
from nightlab.controller.model.score import Verdict
from nightlab.controller.search.policy import Candidate, Past, Policy

LOSS = Objective(name="loss", measure=Regex(pattern="loss (.*)"))
MEMORY = Constraint(name="memory", measure=Observed(source="observed", quantity="peak_memory"), max=100.0)
NOISE = 0.004
CEILING = 100.0
OUT_OF_MEMORY = 130.0


def _number(low, high, default, log=True, kind="number", **more):
    scale = "log" if log else "linear"
    return {"type": kind, "minimum": low, "maximum": high, "default": default, "x-scale": scale, **more}


PROPERTIES = {
    "train.py:learning_rate": _number(3e-5, 3e-2, 1e-3),
    "train.py:min_lr": _number(1e-6, 1e-3, 1e-5),
    "train.py:weight_decay": _number(1e-3, 1.0, 0.1),
    "train.py:beta1": _number(0.7, 0.98, 0.9, log=False),
    "train.py:beta2": _number(0.9, 0.9995, 0.99, log=False),
    "train.py:eps": _number(1e-10, 1e-5, 1e-8),
    "train.py:grad_clip": _number(0.1, 10.0, 1.0),
    "train.py:warmup_steps": _number(1, 100, 10, kind="integer"),
    "train.py:batch_size": _number(4, 64, 16, kind="integer"),
    "train.py:block_size": _number(32, 256, 64, kind="integer", multipleOf=16),
    "train.py:n_embd": _number(32, 256, 64, kind="integer", multipleOf=8),
    "train.py:n_head": _number(1, 8, 4, kind="integer", log=False),
    "train.py:n_layer": _number(1, 8, 2, kind="integer", log=False),
    "train.py:mlp_ratio": _number(1, 8, 4, kind="integer", log=False),
    "train.py:dropout": _number(0.0, 0.5, 0.1, log=False),
    "train.py:init_std": _number(2e-3, 0.2, 0.02),
    "train.py:label_smoothing": _number(0.0, 0.3, 0.0, log=False),
    "train.py:logit_cap": _number(5.0, 50.0, 15.0),
    "train.py:activation": {"type": "string", "enum": ["relu", "gelu", "silu"], "default": "gelu"},
    "train.py:bias": {"type": "boolean", "default": True},
    "train.py:tie_weights": {"type": "boolean", "default": False},
    "train.py:schedule": {"type": "string", "enum": ["cosine", "linear", "constant"], "default": "cosine"},
}
DEFAULTS = {name: described["default"] for name, described in PROPERTIES.items()}
CANDIDATE = Candidate("hyperparameter", "set", {"type": "object", "properties": PROPERTIES}, "0123456789ab")


def _scaled(name, value):
    described = PROPERTIES[name]
    return math.log(value) if described["x-scale"] == "log" else float(value)


@dataclass
class Landscape:
    """One drawn objective: loss 2.0 at the defaults, a best loss some percent below."""

    seed: int
    strength: float = 0.6  # of the bowls: 0.6 leaves about 6 % to gain, which is a lot
    coupling: float = 0.15  # between the leading literal and the next ones: how far from additive it is
    leads: str = "train.py:learning_rate"
    centred: float = 0.3  # weight of the bowls in all other literals, whose defaults are near their best already
    noise: float = NOISE
    bowls: dict = field(default_factory=dict)
    shifts: dict = field(default_factory=dict)

    def __post_init__(self):
        draw = random.Random(self.seed)
        numeric = [n for n, d in PROPERTIES.items() if "minimum" in d]
        active = [self.leads, *draw.sample([n for n in numeric if n != self.leads], 5)]
        for rank, name in enumerate(active):
            span = self._span(name)
            optimum = draw.uniform(0.15, 0.5) * draw.choice([-1, 1])
            self.bowls[name] = (span, optimum, draw.uniform(0.5, 1.0) / (1 + 0.5 * rank))
        for name in (n for n in numeric if n not in active):
            self.bowls[name] = (self._span(name), draw.uniform(-0.1, 0.1), self.centred * draw.uniform(0.0, 1.0))
        for name in ("train.py:activation", "train.py:schedule", "train.py:tie_weights"):
            self.shifts[name] = {str(v): draw.gauss(0, 0.013 * self.strength) for v in self._choices(name)}
        self.pairs = [(active[i], active[i + 1], draw.uniform(-1, 1) * self.coupling) for i in range(3)]

    def loss(self, arguments):
        """True loss, without noise."""
        total = 2.0
        away = {}
        for name, (span, optimum, weight) in self.bowls.items():
            away[name] = (_scaled(name, arguments[name]) - _scaled(name, DEFAULTS[name])) / span
            total += self.strength * weight * ((away[name] - optimum) ** 2 - optimum**2)
        for one, two, coupling in self.pairs:
            total += self.strength * coupling * away[one] * away[two]
        for name, shifts in self.shifts.items():
            total += shifts[str(arguments[name])] - shifts[str(DEFAULTS[name])]
        return total

    def memory(self, arguments):
        """Grows with batch, width, depth and context; 30 at the defaults."""
        factor = 1.0
        for name in ("batch_size", "block_size", "n_embd", "n_layer"):
            factor *= arguments[f"train.py:{name}"] / DEFAULTS[f"train.py:{name}"]
        return 30.0 * factor**0.8

    def crashes(self, arguments):
        """Width must divide by heads; a far too high learning rate diverges."""
        uneven = arguments["train.py:n_embd"] % arguments["train.py:n_head"] != 0
        return uneven or arguments["train.py:learning_rate"] > 1.6e-2

    def run(self, number, call, noise):
        """Train once: what a study would have stored of it."""
        arguments = dict(call.arguments) if call else DEFAULTS
        if self.crashes(arguments):
            return Past(number, call, Verdict.CRASH, container_s=5.0)
        memory = self.memory(arguments)
        if memory > OUT_OF_MEMORY:
            return Past(number, call, Verdict.INFEASIBLE, feasible=False, container_s=5.0)
        excess = {"memory": memory - CEILING}
        verdict = Verdict.DISCARD if call else Verdict.BASELINE
        value = self.loss(arguments) + noise.gauss(0, self.noise)
        return Past(number, call, verdict, {"loss": value}, memory <= CEILING, excess, 15.0)

    def _span(self, name):
        return (_scaled(name, PROPERTIES[name]["maximum"]) - _scaled(name, PROPERTIES[name]["minimum"])) / 2

    def _choices(self, name):
        return PROPERTIES[name].get("enum", [False, True])


def night(policy: Policy, landscape: Landscape, trials: int, baselines: int = 3) -> list[Past]:
    """Run a study: baselines first, then one trial after another."""
    noise = random.Random(landscape.seed + 10_000)
    history = [landscape.run(n, None, noise) for n in range(baselines)]
    for number in range(baselines, baselines + trials):
        proposal = policy.propose([CANDIDATE], history, number)
        assert proposal is not None
        history.append(landscape.run(number, proposal.call, noise))
    return history


def true_gain(landscape: Landscape, history: list[Past]) -> float:
    """Gain without noise, in percent of the baseline, of the trial that looks best."""
    scored = [p for p in history if p.values and p.feasible]
    best = min(scored, key=lambda p: p.values["loss"])
    arguments = dict(best.call.arguments) if best.call else DEFAULTS
    return 100.0 * (2.0 - landscape.loss(arguments)) / 2.0
