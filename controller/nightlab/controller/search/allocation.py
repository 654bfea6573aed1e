"""Shares a night between actions by what each has gained per container-minute. Arguments are chosen elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nightlab.controller.config.schema import Objective
from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.search.needs import Needs, helps
from nightlab.controller.search.policy import Candidate, Past

EXPLORATION: Final = 0.5  # weight of an action's doubt against its rate, which is at most 1
LEAST_TRIAL_S: Final = 1.0


@dataclass
class _Record:
    trials: int = 0
    container_s: float = 0.0
    gain: float = 0.0

    @property
    def rate(self) -> float:
        return self.gain / max(self.container_s, LEAST_TRIAL_S * max(self.trials, 1))


def ranked_candidates(
    candidates: Sequence[Candidate], history: Sequence[Past], objective: Objective, needs: Needs = frozenset()
) -> list[Candidate]:
    """Order actions, the most promising first.

    An upper confidence bound (UCB1; Auer et al. 2002) over gain per container-second, a gain being how far a trial got
    beyond the best one before it in the first objective. Not more actions are open than one plus the square root of the
    number of trials, in the order given, so that a hundred actions do not use up a night by one visit each. An action
    that was never tried and whose author says that it helps where the history has trouble comes before all others.

    Args:
        candidates: In the order of the user's config.
        history: Every trial so far.
        objective: The first objective.
        needs: What the history is in trouble with; see `needs`.
    """
    if len(candidates) < 2:
        return list(candidates)
    records = _records(history, objective)
    total = sum(record.trials for record in records.values())
    best = max((record.rate for record in records.values()), default=0.0)
    is_open = 1 + math.isqrt(total)

    def rank(position: int) -> tuple[bool, bool, float, int]:
        candidate = candidates[position]
        record = records.get(_key(candidate), _Record())
        is_hoped_for = not record.trials and helps(candidate, needs)
        share = record.rate / best if best > 0 else 0.0
        doubt = math.sqrt(math.log(total + 1.0) / record.trials) if record.trials else math.inf
        return not is_hoped_for, position >= is_open, -(share + EXPLORATION * doubt), position

    return [candidates[position] for position in sorted(range(len(candidates)), key=rank)]


def _key(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.plugin, candidate.action, candidate.schema_digest


def _records(history: Sequence[Past], objective: Objective) -> dict[tuple[str, str, str], _Record]:
    records: dict[tuple[str, str, str], _Record] = {}
    best = math.inf
    for past in sorted(history, key=lambda past: past.number):
        loss = _loss(past, objective)
        if past.call is not None:
            key = (past.call.plugin, past.call.action, past.call.schema_digest)
            record = records.setdefault(key, _Record())
            record.trials += 1
            record.container_s += past.container_s
            record.gain += best - loss if loss < best < math.inf else 0.0
        best = min(best, loss)
    return records


def _loss(past: Past, objective: Objective) -> float:
    value = past.values.get(objective.name)
    if value is None or not math.isfinite(value) or not past.feasible or past.verdict in (None, Verdict.CRASH):
        return math.inf
    return value if objective.direction is Direction.MINIMIZE else -value
