import json
import random
import subprocess
import sys

import pytest
from tests.controller.search.landscapes import CANDIDATE, DEFAULTS, LOSS, MEMORY, Landscape, night, true_gain
from tests.controller.search.rivals import Rival

from nightlab.controller.config.schema import Objective, Observed
from nightlab.controller.model.score import Direction, Verdict
from nightlab.controller.model.trial import ActionCall
from nightlab.controller.search.policy import Candidate, Past
from nightlab.controller.search.space import space_of
from nightlab.controller.search.tpe import TpePolicy

BASE = [Past(n, None, Verdict.BASELINE, {"loss": 2.0 + 0.004 * n}) for n in range(3)]
FLAGS = Candidate(
    "flags",
    "set",
    {"properties": {"a": {"type": "boolean", "default": False}, "b": {"enum": [1, 2, 3], "default": 2}}},
    "d1",
)


def policy(seed=0, objectives=(LOSS,)):
    return TpePolicy(objectives, [MEMORY], seed)


def changes(call):
    return {name: value for name, value in call.arguments.items() if value != DEFAULTS[name]}


@pytest.fixture(scope="module")
def long_night():
    return night(policy(1), Landscape(1, strength=0.3), trials=45)


def test_the_same_history_and_seed_propose_the_same_in_another_policy_and_in_any_order(long_night):
    warm = policy(1)
    for length in (3, 4, 12, 20, 21, 45):
        past = long_night[:length]
        shuffled = random.Random(0).sample(past, len(past))
        again = policy(1).propose([CANDIDATE], shuffled, length)
        assert again == warm.propose([CANDIDATE], past, length)
        if length < len(long_night):
            assert again.call == long_night[length].call


def test_the_same_history_and_seed_propose_the_same_in_another_process(long_night):
    program = (
        "import json;from tests.controller.search.landscapes import *;"
        "from nightlab.controller.search.tpe import TpePolicy;"
        "h=night(TpePolicy([LOSS],[MEMORY],1),Landscape(1,strength=0.3),14);"
        "print(json.dumps([dict(p.call.arguments) for p in h[3:]]))"
    )
    command = [sys.executable, "-c", f"import sys;sys.path[:0]={sys.path!r};{program}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == [dict(p.call.arguments) for p in long_night[3:17]]


def test_another_seed_takes_another_way():
    assert policy(1).propose([CANDIDATE], BASE, 3) != policy(2).propose([CANDIDATE], BASE, 3)


def test_no_assignment_is_executed_twice_and_the_base_never(long_night):
    space = space_of(CANDIDATE)
    keys = [space.key(p.call.arguments) for p in long_night if p.call]
    assert len(set(keys)) == len(keys)
    assert space.key(DEFAULTS) not in keys


def test_proposals_are_full_assignments_that_the_schema_allows(long_night):
    for past in long_night[3:]:
        assert past.call.arguments.keys() == DEFAULTS.keys()
        for name, value in past.call.arguments.items():
            described = CANDIDATE.schema["properties"][name]
            if "enum" in described:
                assert value in described["enum"]
            elif described["type"] == "integer":
                assert type(value) is int
                assert value % described.get("multipleOf", 1) == 0
            if "minimum" in described:
                assert described["minimum"] <= value <= described["maximum"]


def test_the_first_proposals_change_one_to_three_literals_step_sizes_first():
    first = policy(0).propose([CANDIDATE], BASE, 3)
    assert "train.py:learning_rate" in changes(first.call)
    for seed in range(5):
        assert 1 <= len(changes(policy(seed).propose([CANDIDATE], BASE, 3).call)) <= 3
    assert "from the base" in first.reason
    assert "learning_rate 0.001 -> " in first.reason


def test_a_change_that_helped_stays_while_others_are_tried():
    history = [*BASE, past(3, {"train.py:learning_rate": 2e-3}, 1.90)]
    following = [policy(seed).propose([CANDIDATE], history, 4) for seed in range(5)]
    assert all(p.call.arguments["train.py:learning_rate"] > 1e-3 for p in following)


def test_trials_under_way_are_not_repeated():
    history = list(BASE)
    for number in range(3, 9):
        call = policy().propose([CANDIDATE], history, number).call
        assert all(call.arguments != p.call.arguments for p in history if p.call)
        history.append(Past(number, call, None))
    assert len({tuple(sorted(changes(p.call))) for p in history[3:]}) > 1


def test_a_policy_asked_before_any_baseline_ended_still_proposes():
    running = [Past(n, None, None) for n in range(3)]
    assert changes(policy().propose([CANDIDATE], running, 3).call)
    assert changes(policy().propose([CANDIDATE], [], 0).call)


def test_a_region_that_crashes_or_runs_out_of_memory_is_left():
    history = list(BASE)
    rng = random.Random(0)
    for number in range(3, 23):
        call = policy().propose([CANDIDATE], history, number).call
        if call.arguments["train.py:batch_size"] > 16:
            history.append(Past(number, call, Verdict.INFEASIBLE, feasible=False))
        elif call.arguments["train.py:learning_rate"] > 1e-3:
            history.append(Past(number, call, Verdict.CRASH))
        else:
            history.append(Past(number, call, Verdict.DISCARD, {"loss": 2.0 + rng.gauss(0, 0.004)}))
    failed = [p.number for p in history if p.verdict in (Verdict.CRASH, Verdict.INFEASIBLE)]
    assert len(failed) <= 7
    assert len([n for n in failed if n >= 13]) <= 3


def test_a_literal_that_was_seen_to_change_nothing_is_left_alone():
    history = [*BASE, past(3, {"train.py:learning_rate": 2e-3}, 2.0, Verdict.NO_EFFECT)]
    for number in range(4, 12):
        call = policy().propose([CANDIDATE], history, number).call
        assert call.arguments["train.py:learning_rate"] == 1e-3
        history.append(Past(number, call, Verdict.DISCARD, {"loss": 2.0}))


def test_where_nothing_has_an_effect_there_is_nothing_to_propose():
    call = ActionCall("flags", "set", {"a": True, "b": 3}, "d1")
    assert policy().propose([FLAGS], [*BASE, Past(3, call, Verdict.NO_EFFECT, {"loss": 2.0})], 4) is None


def test_a_lost_trial_may_be_proposed_again_once_and_a_crashed_one_not():
    candidate = Candidate("p", "a", {"properties": {"a": {"type": "boolean", "default": False}}}, "d")
    only = ActionCall("p", "a", {"a": True}, "d")
    assert policy().propose([candidate], [*BASE, Past(3, only, Verdict.LOST)], 4).call == only
    assert policy().propose([candidate], [*BASE, Past(3, only, Verdict.LOST), Past(4, only, Verdict.LOST)], 5) is None
    assert policy().propose([candidate], [*BASE, Past(3, only, Verdict.CRASH)], 4) is None


def test_a_small_space_is_used_up_and_then_there_is_nothing_to_propose():
    history = list(BASE)
    while (proposal := policy().propose([FLAGS], history, len(history))) is not None:
        history.append(Past(len(history), proposal.call, Verdict.DISCARD, {"loss": 2.0}))
    assert len(history) - len(BASE) == 2 * 3 - 1


def test_an_action_that_always_changes_the_tree_is_first_visited_with_its_usual_arguments():
    norm = Candidate(
        "norm",
        "rms",
        {
            "properties": {
                "eps": {"type": "number", "minimum": 1e-8, "maximum": 1e-4, "x-scale": "log", "default": 1e-6}
            }
        },
        "d",
        default_is_base=False,
    )
    assert policy().propose([norm], BASE, 3).call.arguments == {"eps": 1e-6}
    toggle = Candidate("norm", "toggle", {"properties": {}}, "d", default_is_base=False)
    call = policy().propose([toggle], BASE, 3).call
    assert call.arguments == {}
    assert policy().propose([toggle], [*BASE, Past(3, call, Verdict.DISCARD, {"loss": 2.0})], 4) is None


def test_higher_is_better_where_the_objective_says_so():
    accuracy = LOSS.model_copy(update={"direction": Direction.MAXIMIZE})
    history = [*BASE, past(3, {"train.py:learning_rate": 2e-3}, 2.5), past(4, {"train.py:learning_rate": 5e-4}, 1.5)]
    up = policy(objectives=(accuracy,)).propose([CANDIDATE], history, 5)
    down = policy().propose([CANDIDATE], history, 5)
    assert up.call.arguments["train.py:learning_rate"] > 1e-3 > down.call.arguments["train.py:learning_rate"]


def test_with_two_objectives_some_proposals_serve_the_second_one():
    memory = Objective(name="peak", measure=Observed(source="observed", quantity="peak_memory"))
    landscape = Landscape(4, strength=0.3)
    tried = policy(0, (LOSS, memory))
    history = [Past(n, None, Verdict.BASELINE, {"loss": 2.0 + 0.004 * n, "peak": 30.0}) for n in range(3)]
    for number in range(3, 38):
        call = tried.propose([CANDIDATE], history, number).call
        if landscape.crashes(call.arguments) or landscape.memory(call.arguments) > 130:
            history.append(Past(number, call, Verdict.CRASH))
            continue
        values = {"loss": landscape.loss(call.arguments), "peak": landscape.memory(call.arguments)}
        history.append(Past(number, call, Verdict.DISCARD, values))
    better = [p for p in history if p.values and p.values["loss"] < 1.99 and p.values["peak"] < 29.0]
    assert better


def test_a_divergence_that_was_scored_does_not_drown_small_gains():
    history = [*BASE, past(3, {"train.py:learning_rate": 8e-3}, 1e9), past(4, {"train.py:weight_decay": 0.2}, 1.9)]
    assert policy().propose([CANDIDATE], history, 5).call.arguments["train.py:weight_decay"] > 0.1


@pytest.mark.parametrize(("kind", "least"), [({"strength": 0.6}, 1.5), ({"strength": 0.3, "noise": 0.006}, 0.4)])
def test_a_dozen_trials_find_a_gain_where_random_search_and_whole_space_tpe_find_none(kind, least):
    gains, rivals = [], []
    for seed in range(5):
        landscape = Landscape(200 + seed, **kind)
        gains.append(true_gain(landscape, night(policy(seed), landscape, 12)))
        rivals.append(true_gain(landscape, night(Rival(seed, [LOSS], [MEMORY], 10), landscape, 12)))
    assert sorted(gains)[2] >= least
    assert sorted(gains)[2] > sorted(rivals)[2]
    assert sum(gain > 0.2 for gain in gains) >= 4


def past(number, changed, loss, verdict=Verdict.DISCARD):
    call = ActionCall(CANDIDATE.plugin, CANDIDATE.action, {**DEFAULTS, **changed}, CANDIDATE.schema_digest)
    return Past(number, call, verdict, {"loss": loss})
