"""Several actions in one night: gains add up, what does not fit is left, and all of it follows from the history."""

import random
from dataclasses import replace
from statistics import median

import pytest
from tests.controller.search.orchard import (
    ALL,
    BASE,
    HARMFUL,
    LITERALS,
    LOSS,
    MEMORY,
    OPTIMIZER,
    SCHEDULE,
    FromBase,
    Orchard,
    call,
    found,
    night,
)

from nightlab.controller.model.score import Verdict
from nightlab.controller.search.allocation import ranked_candidates
from nightlab.controller.search.lineage import Lineage
from nightlab.controller.search.needs import needs_of
from nightlab.controller.search.policy import Past
from nightlab.controller.search.recipe import Recipes, in_order
from nightlab.controller.search.tpe import TpePolicy

RUNS = [Past(n, None, Verdict.BASELINE, {"loss": BASE + 0.001 * (n - 1)}, container_s=60.0) for n in range(3)]
KEPT = Past(3, call(OPTIMIZER, kind="lion"), Verdict.KEEP, {"loss": 1.94}, container_s=60.0)


def policy(seed=0):
    return TpePolicy([LOSS], [MEMORY], seed)


def run(number, made, verdict=Verdict.DISCARD, loss=None, parent=0):
    return Past(number, made, verdict, {} if loss is None else {"loss": loss}, container_s=60.0, parent=parent)


def test_a_recipe_is_its_parents_with_the_own_call_put_in():
    history = [*RUNS, KEPT, run(4, call(LITERALS, lr=0.01), parent=3), run(5, call(OPTIMIZER, kind="muon"), parent=4)]
    recipe = Recipes(history).of(5)
    assert {name: each.origin for name, each in recipe.items()} == {OPTIMIZER.name: 5, LITERALS.name: 4}
    assert Recipes(history).of(1) == {}
    order = [each.call.plugin for each in in_order(recipe, [OPTIMIZER.name, LITERALS.name])]
    assert order == ["hyperparameter", "optimizer"]


def test_a_trial_is_worth_what_its_own_action_did():
    history = [*RUNS, KEPT, run(4, call(SCHEDULE, kind="wsd"), Verdict.KEEP, 1.92, 3)]
    history.append(run(5, call(OPTIMIZER, kind="muon"), loss=1.95, parent=4))
    lineage = Lineage(history, [LOSS])
    assert lineage.worth(history[4]) == pytest.approx((BASE - 0.02,))
    assert lineage.worth(history[5]) == pytest.approx((1.94 + 0.03,))


def test_another_action_goes_on_top_of_what_was_kept_and_the_same_one_in_its_place():
    other = policy().propose([SCHEDULE], [*RUNS, run(3, call(LITERALS, lr=0.01), Verdict.KEEP, 1.9)], 4)
    assert other.parent == 0  # the kept recipe has an action that cannot be made now
    assert policy().propose([SCHEDULE, OPTIMIZER], [*RUNS, KEPT], 4).parent == 3
    assert policy().propose([OPTIMIZER], [*RUNS, KEPT], 4).parent == 0


def test_what_gained_beside_the_kept_trial_is_tried_on_top_of_it():
    history = [*RUNS, KEPT, run(4, call(SCHEDULE, kind="wsd"), loss=1.95)]
    history += [run(5 + at, call(OPTIMIZER, kind=kind), loss=2.0) for at, kind in enumerate(("adamw", "muon"))]
    proposal = policy().propose([SCHEDULE, OPTIMIZER], history, 7)  # nothing is left of the optimizer
    assert (proposal.call, proposal.parent) == (call(SCHEDULE, kind="wsd"), 3)


def test_what_does_not_fit_on_top_is_tried_on_the_base_once_and_then_left_alone():
    first = policy().propose([SCHEDULE, OPTIMIZER], [*RUNS, KEPT], 4)
    assert first.call.plugin == "schedule"
    history = [*RUNS, KEPT, run(4, first.call, Verdict.REJECTED, parent=3)]
    again = policy().propose([SCHEDULE, OPTIMIZER], history, 5)
    while again.call.plugin != "schedule":
        history.append(run(len(history), again.call, loss=2.1, parent=again.parent))
        again = policy().propose([SCHEDULE, OPTIMIZER], history, len(history))
    assert (again.call, again.parent) == (first.call, 0)
    history.append(run(len(history), again.call, loss=2.1))
    refused = replace(first.call, arguments={"kind": "cosine"})
    history.append(run(len(history), refused, Verdict.REJECTED, parent=3))
    left = policy().propose([SCHEDULE, OPTIMIZER], history, len(history))
    assert left is None or left.call.plugin == "optimizer"


def test_an_untried_action_that_is_said_to_save_memory_comes_first_where_memory_ran_out():
    saving = replace(SCHEDULE, plugin="saving", effects={"peak_memory": "down"})
    candidates = [LITERALS, OPTIMIZER, HARMFUL, saving]
    assert ranked_candidates(candidates, RUNS, LOSS, needs_of(RUNS, [LOSS], [MEMORY]))[0] is LITERALS
    out = [*RUNS, replace(run(3, call(LITERALS, lr=0.1), Verdict.INFEASIBLE), feasible=False)]
    assert ranked_candidates(candidates, out, LOSS, needs_of(out, [LOSS], [MEMORY]))[0] is saving
    broken = [*RUNS, replace(run(3, call(LITERALS, lr=0.1), loss=1.9), constraint_excess={"memory": 5.0})]
    assert ranked_candidates(candidates, broken, LOSS, needs_of(broken, [LOSS], [MEMORY]))[0] is saving


def test_gains_of_several_actions_add_up_where_one_at_a_time_stays_far_below():
    together, alone = [], []
    for seed in range(8):
        orchard = Orchard(seed)
        together.append(found(orchard, night(policy(seed), orchard, ALL, 24)))
        alone.append(found(orchard, night(FromBase(policy(seed)), orchard, ALL, 24)))
    assert median(together) > 0.9
    assert sum(share > 0.8 for share in together) >= 6
    assert all(one > other for one, other in zip(together, alone, strict=True))


def test_an_action_that_always_crashes_gets_few_trials():
    history = night(policy(1), Orchard(1), ALL, 24)
    assert sum(past.verdict is Verdict.CRASH for past in history) <= 4


def test_several_actions_are_a_function_of_seed_history_and_number():
    history = night(policy(2), Orchard(2), ALL, 16)
    warm = policy(2)
    for length in (5, 9, 14, len(history)):
        shuffled = random.Random(length).sample(history[:length], length)
        again = policy(2).propose(ALL, shuffled, length)
        assert again == warm.propose(ALL, history[:length], length)
        if length < len(history):
            assert (again.call, again.parent) == (history[length].call, history[length].parent)


def test_an_action_without_parameters_is_tried_once_on_each_recipe_at_most():
    plain = replace(SCHEDULE, plugin="fused", schema={"type": "object", "properties": {}})
    first = policy().propose([plain], RUNS, 3)
    assert (first.call.plugin, first.call.arguments, first.parent) == ("fused", {}, 0)
    assert policy().propose([plain], [*RUNS, run(3, first.call, loss=2.1)], 4) is None


def test_actions_of_a_plugin_that_left_are_neither_proposed_nor_built_on():
    history = night(policy(3), Orchard(3), ALL, 16)
    kept = [past for past in history if past.verdict is Verdict.KEEP]
    assert any(OPTIMIZER.name in Recipes(history).of(past.number) for past in kept)
    left = tuple(each for each in ALL if each is not OPTIMIZER)
    for number in range(len(history), len(history) + 8):
        proposal = policy(3).propose(left, history, number)
        recipe = Recipes(history).of(proposal.parent)
        assert proposal.call.plugin != "optimizer" and OPTIMIZER.name not in recipe
        history.append(run(number, proposal.call, loss=2.1, parent=proposal.parent))


def test_an_action_alone_is_proposed_on_the_base_whatever_was_kept():
    orchard = Orchard(4)
    history = night(policy(4), orchard, (LITERALS,), 20)
    assert any(past.verdict is Verdict.KEEP for past in history)
    assert {past.parent for past in history} == {0}
    told = [replace(p, verdict=Verdict.DISCARD) if p.verdict is Verdict.KEEP else p for p in history]
    for number in (5, 9, 14, 20):
        kept, unkept = (policy(4).propose([LITERALS], h[:number], number) for h in (history, told))
        assert kept == unkept


def test_what_saves_memory_comes_early_where_everything_else_breaks_the_bound():
    saving = replace(SCHEDULE, plugin="saving", effects={"peak_memory": "down"})
    candidates = [LITERALS, *(replace(OPTIMIZER, plugin=f"p{at}") for at in range(20)), saving]
    history = list(RUNS)
    for number in range(3, 13):
        proposal = policy().propose(candidates, history, number)
        is_saving = saving.name in Recipes(history).of(proposal.parent) or proposal.call.plugin == "saving"
        past = run(number, proposal.call, loss=1.9 if is_saving else 1.8, parent=proposal.parent)
        history.append(past if is_saving else replace(past, constraint_excess={"memory": 9.0}, feasible=False))
    names = [past.call.plugin for past in history[3:]]
    assert names.index("saving") == 1
