"""The embedded policy `tpe`: needs no key and no network, and is a function of seed, history and trial number.

Optuna's TPE is good at a hundred trials in a few dimensions; a night has a dozen to a hundred trials and dozens of
literals. So most proposals are small moves around the incumbent, ranked by an additive model (`moves`), and every
fourth takes a few values over from TPE's sample (`study`), which sees what is not additive. Measured on the synthetic
nights of tests/controller/search/landscapes.py. Which action is next belongs to `allocation`, on top of what it goes
to `ground`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from nightlab.controller.config.schema import Constraint, Objective
from nightlab.controller.search.allocation import ranked_candidates
from nightlab.controller.search.ground import Ground
from nightlab.controller.search.lineage import Lineage
from nightlab.controller.search.needs import helps, needs_of
from nightlab.controller.search.parameter import Value
from nightlab.controller.search.policy import Candidate, Past, Proposal
from nightlab.controller.search.recipe import ActionName
from nightlab.controller.search.space import Assignment, Space, space_of
from nightlab.controller.search.standing import Point, Standing, standing_in

TPE_FROM: Final = 10  # ended points before TPE has something to model
TPE_EVERY: Final = 4
TPE_CHANGES: Final = 4  # values taken over from one sample at most
RESAMPLES: Final = 100
TRADE_OFF_EVERY: Final = 3  # with several objectives; the other proposals are for the first one, which decides keeps
ENUMERATED: Final = 4096  # assignments of a space that is small enough to be listed

Choice = tuple[dict[str, Value], str]


class TpePolicy:
    """Proposes by what the history teaches. Keeps nothing but a cache: two policies with one seed propose the same."""

    def __init__(self, objectives: Sequence[Objective], constraints: Sequence[Constraint], seed: int) -> None:
        """Make a policy.

        Args:
            objectives: The first one leads; the others have a share in every third proposal.
            constraints: Bounds that a trial must keep.
            seed: Of all random choices, together with the trial's number.
        """
        self._objectives = tuple(objectives)
        self._constraints = tuple(constraints)
        self._seed = seed
        self._replays: dict[tuple[str, str, str], object] = {}
        self._spaces: dict[ActionName, tuple[Candidate, Space | None]] = {}

    def propose(self, candidates: Sequence[Candidate], history: Sequence[Past], number: int) -> Proposal | None:
        """Choose an action, its arguments and what they are put on top of; see `Policy`."""
        lineage = Lineage(history, self._objectives)
        needs = needs_of(history, self._objectives, self._constraints)
        incumbent = lineage.incumbent({(*each.name, each.schema_digest) for each in candidates})
        reliefs = frozenset(each.name for each in candidates if helps(each, needs))
        for candidate in ranked_candidates(candidates, history, self._objectives[0], needs):
            space = self._space(candidate)
            if space is None:
                continue
            ground = Ground(candidate, lineage, incumbent, reliefs)
            standing = standing_in(candidate, space, lineage, self._constraints, ground.relieves)
            found = self._on_ground(ground, standing, number)
            if found is not None:
                return found
        return None

    def _on_ground(self, ground: Ground, standing: Standing, number: int) -> Proposal | None:
        retry = ground.retry(standing)
        if retry is not None or ground.is_barren:
            return retry
        moved = ground.transplant(standing)
        if moved is not None:
            return moved
        found = self._choose(ground.candidate, standing, number)
        return ground.proposal(*found) if found is not None else None

    def _space(self, candidate: Candidate) -> Space | None:
        """Return a candidate's space, read once."""
        known = self._spaces.get(candidate.name)
        if known is None or (known[0] is not candidate and known[0] != candidate):
            known = self._spaces[candidate.name] = (candidate, space_of(candidate))
        return known[1]

    def _choose(self, candidate: Candidate, standing: Standing, number: int) -> Choice | None:
        defaults = standing.space.defaults()
        if not standing.is_taken(defaults):
            return defaults, "first visit, with the usual arguments"
        draw = random.Random(f"nightlab/{self._seed}/{number}")
        ended = sum(not point.is_pending for point in standing.points)
        if number % TPE_EVERY == 0 and ended >= TPE_FROM:
            found = self._sample(candidate, standing, draw)
            if found is not None:
                return found
        return self._move(standing, number, draw) or _anything(standing, draw)

    def _move(self, standing: Standing, number: int, draw: random.Random) -> Choice | None:
        from nightlab.controller.search.moves import best_move

        weights = [1.0] + [0.0] * (len(self._objectives) - 1)
        if len(weights) > 1 and number % TRADE_OFF_EVERY == 0:
            weights = [draw.uniform(0.2, 1.0) for _ in weights]
        move = best_move(standing, weights, draw)
        if move is None:
            return None
        return move.assignment, _told(standing.space, "small move", move.origin, move.assignment)

    def _sample(self, candidate: Candidate, standing: Standing, draw: random.Random) -> Choice | None:
        best = min((p for p in standing.scored() if p.is_feasible), key=lambda p: p.losses or (), default=None)
        if best is None:
            return None
        sample = self._ask(candidate, standing, draw.getrandbits(31))
        differing = [n for n in standing.space.changed_between(sample, best.assignment) if n not in standing.inert]
        for _ in range(RESAMPLES if differing else 0):
            names = draw.sample(differing, min(draw.randint(1, TPE_CHANGES), len(differing)))
            mixed = {**best.assignment, **{name: sample[name] for name in names}}
            if not standing.is_taken(mixed):
                return mixed, _told(standing.space, "TPE sample", best, mixed)
        return None

    def _ask(self, candidate: Candidate, standing: Standing, seed: int) -> dict[str, Value]:
        from nightlab.controller.search.study import Replay

        key = (candidate.plugin, candidate.action, candidate.schema_digest)
        replay = self._replays.get(key)
        if not isinstance(replay, Replay) or not replay.fits(standing.space):
            self._replays[key] = replay = Replay(standing.space, len(self._objectives))
        return replay.ask(standing, seed)


def _anything(standing: Standing, draw: random.Random) -> Choice | None:
    """Find what is left where no small move is: a space that is nearly used up."""
    listed = standing.space.listed(ENUMERATED, standing.inert)
    if listed is not None:
        fresh = [assignment for assignment in listed if not standing.is_taken(assignment)]
        return (draw.choice(fresh), "one of the few assignments that are left") if fresh else None
    for _ in range(RESAMPLES):
        drawn = standing.space.drawn(draw, standing.inert)
        if not standing.is_taken(drawn):
            return drawn, "random draw, for no small move is left"
    return None


def _told(space: Space, what: str, origin: Point, assignment: Assignment) -> str:
    names = space.changed_between(assignment, origin.assignment)
    shown = [f"{n.rpartition(':')[2]} {origin.assignment[n]} -> {assignment[n]}" for n in names[:TPE_CHANGES]]
    more = f" and {len(names) - TPE_CHANGES} more" if len(names) > TPE_CHANGES else ""
    is_base = not space.changed(origin.assignment)
    start = "the base" if is_base or not origin.numbers else f"trial {origin.numbers[0]}"
    return f"{what} from {start}: {', '.join(shown)}{more}"
