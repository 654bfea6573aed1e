"""Parts of nights with several actions: a scripted policy, a real plugin (tests/data/plugins/blocks.py), training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controller.study.rehearsal import Literals, Rehearsal, Score, config, finished, rehearse

from nightlab.controller.config.schema import Config
from nightlab.controller.model.trial import ActionCall, Role, TrialOutcome
from nightlab.controller.search.policy import Candidate, Past, Proposal
from nightlab.controller.store import TrialRecord

ROOT = Path(__file__).parents[3]
BLOCKS = {"blocks": "blocks:PLUGIN"}
TUNE, MOMENTUM = "action:hyperparameter/hyperparameter", "action:blocks/momentum"


@dataclass(frozen=True)
class Step:
    """One proposal: an action with some arguments, on top of an earlier proposal counted from 0, or of the base."""

    action: str
    arguments: dict[str, object]
    on: int | None = None


@dataclass(frozen=True)
class Scripted:
    """A policy that proposes what it was told."""

    steps: Sequence[Step]

    def propose(self, candidates: Sequence[Candidate], history: Sequence[Past], number: int) -> Proposal | None:
        made = [past.number for past in history if past.call is not None]
        if len(made) >= len(self.steps):
            return None
        step = self.steps[len(made)]
        chosen = next(each for each in candidates if "/".join(each.name) == step.action)
        arguments = {**chosen.defaults, **step.arguments}
        call = ActionCall(chosen.plugin, chosen.action, arguments, chosen.schema_digest)
        return Proposal(call, "as told", 0 if step.on is None else made[step.on])


TWO = (
    Step("blocks/momentum", {"share": 0.9}),
    Step("hyperparameter/hyperparameter", {"train.py:LEARNING_RATE": 2e-3}, on=0),
)


def settings(*actions: str, trials: int = 2, **tables: object) -> Config:
    search = {"actions": ["hyperparameter", *actions]}
    return config(budget={"trials": trials}, search=search, noise={**SEEDED, "repeats": 2}, **tables)


SEEDED = {"seed": {"kind": "argument", "name": "--seed", "base": 1}, "confirm": 2}


def flat(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that nothing helps; every seed has its own noise."""
    harm = 0.1 * (literals["LEARNING_RATE"] != 1e-3) + 0.1 * ("MOMENTUM" in literals)
    return finished(1.0 + (seed or 0) / 1000 + harm)


async def two_calls(directory: Path, score: Score = flat, **facts: object) -> Rehearsal:
    given = {"policy": Scripted(TWO), "plugins": BLOCKS, **facts}
    chosen = given.pop("settings", None) or settings("blocks/momentum")
    return await rehearse(directory, chosen, score, **given)


def searched(night: Rehearsal) -> list[TrialRecord]:
    return [trial for trial in night.trials if trial.role is Role.SEARCH]


def text_of(night: Rehearsal, digest: str | None) -> str:
    tree = night.scribe.store.tree(digest or "")
    return night.runner.blobs.read(tree.by_path["train.py"].sha256, 1 << 20).decode()


def worth(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
    """A training that momentum helps a lot and all else a little or not."""
    rate = (literals["LEARNING_RATE"] / 1e-3 - 1) ** 2 / 100
    gain = 0.3 * ("MOMENTUM" in literals) - 0.01 * ("WARMUP" in literals) - 0.01 * ("DECAY" in literals)
    noise = random.Random(f"{seed}/{sorted(literals.items())}").gauss(0, 0.002)
    return finished(1.0 + rate - gain + noise)


def of(night: Rehearsal, action: str) -> list[TrialRecord]:
    return [t for t in searched(night) if t.call is not None and f"{t.call.plugin}/{t.call.action}" == action]
