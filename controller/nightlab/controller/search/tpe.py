"""The embedded policy: small moves ranked by an additive model, mixed with Optuna's TPE, in one space per action.

Needs no key and no network. Which action is next belongs to `allocation`, the moves to `moves`, Optuna to `study`.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from typing import Final

from nightlab.controller.config.schema import Constraint, Objective
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.allocation import ranked_candidates
from nightlab.controller.search.policy import Candidate, Past, Proposal
from nightlab.controller.search.space import Assignment, Space, Value, space_of
from nightlab.controller.search.standing import Point, Standing, standing_of
from nightlab.controller.search.study import Replay

TPE_FROM: Final = 10  # ended points before TPE has something to model
TPE_EVERY: Final = 4  # then each so-many-th proposal is TPE's own
TPE_CHANGES: Final = 4  # parameters of the incumbent that such a proposal changes at most, early in the night
OTHER_OBJECTIVE_EVERY: Final = 3
RESAMPLES: Final = 50


class TpePolicy:
    """Proposes by what the history teaches; see the module."""

    def __init__(
        self, objectives: Sequence[Objective], constraints: Sequence[Constraint], seed: int, mode: str = "mix"
    ) -> None:
        """Make a policy.

        Args:
            objectives: The first one leads; the others get every third proposal a share.
            constraints: Bounds that a trial must keep.
            seed: Of all random choices, together with the trial's number.
        """
        self._objectives = tuple(objectives)
        self._constraints = tuple(constraints)
        self._seed = seed
        self.mode = mode
        self._replays: dict[tuple[str, str, str], Replay] = {}

    def propose(self, candidates: Sequence[Candidate], history: Sequence[Past], number: int) -> Proposal | None:
        """Choose an action and its arguments; see `Policy`."""
        draw = random.Random(f"nightlab/{self._seed}/{number}")
        for candidate in ranked_candidates(candidates, history, self._objectives):
            space = space_of(candidate)
            if space is None:
                continue
            standing = standing_of(candidate, space, history, self._objectives, self._constraints)
            found = self._within(candidate, standing, number, draw)
            if found is not None:
                arguments, reason = found
                call = ActionCall(candidate.plugin, candidate.action, arguments, candidate.schema_digest)
                return Proposal(call, reason)
        return None

    def _within(self, candidate, standing, number, draw):
        ended = [p for p in standing.points if not p.is_pending]
        defaults = standing.space.defaults()
        if self.mode in ("random", "tpe"):
            return self._pure(candidate, standing, draw, len(ended))
        if standing.space.key(defaults) not in standing.taken:
            return defaults, "first visit, with the default arguments"
        from nightlab.controller.search.moves import best_move

        losses, noise = self.losses(standing)
        extra = []
        turn = number % TPE_EVERY == 0
        if len(ended) >= TPE_FROM and self.mode in ("mix", "mixpool"):
            if turn or self.mode == "mixpool":
                sample = self._ask(candidate, standing, draw)
                if self.mode == "mixpool":
                    extra = [sample]
                else:
                    best = min(
                        (p for p in standing.points if p.losses and p.is_feasible),
                        key=lambda p: p.losses[0],
                        default=None,
                    )
                    origin = best.assignment if best else defaults
                    for _ in range(RESAMPLES):
                        names = standing.space.changed_between(sample, origin)
                        k = draw.randint(1, TPE_CHANGES)
                        a = dict(origin)
                        for n in draw.sample(names, min(k, len(names))):
                            a[n] = sample[n]
                        if standing.space.key(a) not in standing.taken:
                            return a, "TPE"
        move = best_move(standing, losses, noise, extra, draw)
        return (move.assignment, "move") if move else None

    def losses(self, standing):
        scored = [p.losses[0] for p in standing.points if p.losses]
        if not scored:
            return [0.0] * len(standing.points), None
        worst = max(scored)
        squares = sum(p.spread_sums[0] for p in standing.points)
        df = sum(max(p.spread_sums[1] - 1, 0) for p in standing.points)
        noise = math.sqrt(squares / df) if df else None
        out = []
        for p in standing.points:
            if p.is_pending:
                out.append(math.nan)
            elif p.losses is None or not p.is_feasible:
                out.append(worst)
            else:
                out.append(p.losses[0])
        return out, noise

    def _ask(self, candidate, standing, draw):
        key = (candidate.plugin, candidate.action, candidate.schema_digest)
        if key not in self._replays:
            self._replays[key] = Replay(standing.space, len(self._objectives))
        return self._replays[key].ask(standing, draw.getrandbits(31))

    def _pure(self, candidate, standing, draw, n):
        from optuna.samplers import RandomSampler

        while True:
            if self.mode == "tpe" and n >= 10:
                a = self._ask(candidate, standing, draw)
            else:
                a = {}
                for p in standing.space.parameters:
                    if p.kind == "choice":
                        a[p.name] = draw.choice(p.choices)
                    else:
                        u = draw.uniform(p._scaled(p.low), p._scaled(p.high))
                        a[p.name] = p.snapped(math.exp(u) if p.log else u)
            if standing.space.key(a) not in standing.taken:
                return a, "pure"
