import subprocess
import sys

import optuna
from tests.controller.search.landscapes import CANDIDATE, DEFAULTS, LOSS, MEMORY

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.policy import Past
from nightlab.controller.search.space import space_of
from nightlab.controller.search.standing import standing_of
from nightlab.controller.search.study import Replay

SPACE = space_of(CANDIDATE)


def trial(number, rate, verdict, loss=None, excess=-1.0):
    call = ActionCall("hyperparameter", "set", {**DEFAULTS, "train.py:learning_rate": rate}, CANDIDATE.schema_digest)
    values = {} if loss is None else {"loss": loss}
    feasible = verdict is not Verdict.INFEASIBLE and excess <= 0
    return Past(number, call, verdict, values, feasible, {"memory": excess} if values else {})


HISTORY = [
    Past(0, None, Verdict.BASELINE, {"loss": 2.0}, constraint_excess={"memory": -50.0}),
    Past(1, None, Verdict.BASELINE, {"loss": 2.2}, constraint_excess={"memory": -40.0}),
    trial(2, 2e-3, Verdict.DISCARD, 1.5, excess=7.0),
    trial(3, 5e-3, Verdict.CRASH),
    trial(4, 6e-3, Verdict.INFEASIBLE),
    trial(5, 7e-3, Verdict.LOST),
    trial(6, 8e-3, None),
]


def standing(history):
    return standing_of(CANDIDATE, SPACE, history, [LOSS], [MEMORY])


def test_the_study_is_told_scores_constraints_failures_and_repeats_as_one():
    replay = Replay(SPACE, 1)
    replay.ask(standing(HISTORY), seed=1)
    told = [t for t in replay._study.trials if t.state is optuna.trial.TrialState.COMPLETE]
    assert [t.values for t in told] == [[2.1], [1.5], [2.1], [2.1]]
    assert [t.constraints["memory"] for t in told[:2]] == [-40.0, 7.0]
    assert [any(v > 0 for v in t.constraints.values()) for t in told] == [False, True, True, True]
    assert replay._study.best_trials == [told[0]]


def test_an_extended_cache_and_a_fresh_one_ask_for_the_same():
    warm = Replay(SPACE, 1)
    for length in range(2, len(HISTORY) + 1):
        assert warm.ask(standing(HISTORY[:length]), 5) == Replay(SPACE, 1).ask(standing(HISTORY[:length]), 5)
    changed = [*HISTORY[:6], trial(6, 8e-3, Verdict.DISCARD, 1.2)]
    assert warm.ask(standing(changed), 5) == Replay(SPACE, 1).ask(standing(changed), 5)


def test_the_policy_is_imported_without_optuna_and_numpy():
    program = (
        "import sys,nightlab.controller.search.tpe as t;print([m for m in ('optuna','numpy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", f"import sys;sys.path[:0]={sys.path!r};{program}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
