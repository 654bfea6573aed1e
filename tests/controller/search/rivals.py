"""Policies to compare with: random search, and Optuna's TPE over the whole space from the first trial on."""

import random

import optuna

from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.policy import Proposal
from nightlab.controller.search.space import space_of
from nightlab.controller.search.standing import standing_of
from nightlab.controller.search.study import Replay


class Rival:
    def __init__(self, seed, objectives, constraints, startup):
        self.seed, self.objectives, self.constraints, self.startup = seed, objectives, constraints, startup
        optuna.logging.set_verbosity(optuna.logging.WARNING)

    def propose(self, candidates, history, number):
        candidate = candidates[0]
        space = space_of(candidate)
        draw = random.Random(f"{self.seed}/{number}")
        standing = standing_of(candidate, space, history, self.objectives, self.constraints)
        if len(history) < self.startup:
            arguments = space.drawn(draw)
        else:
            arguments = Replay(space, len(self.objectives)).ask(standing, draw.getrandbits(31))
        return Proposal(ActionCall(candidate.plugin, candidate.action, arguments, candidate.schema_digest), "")
