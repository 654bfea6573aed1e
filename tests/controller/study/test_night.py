"""The loop of a night decides well: tested on real parts with computed training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.controller.study.rehearsal import Literals, bowl, config, failed, finished, rehearse

from nightlab.controller.errors import StudyStopped
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import ActionCall, Ending, Role, TrialOutcome
from nightlab.controller.search.policy import Candidate, Past, Proposal


async def test_a_real_gain_is_found_confirmed_and_becomes_the_best(tmp_path: Path) -> None:
    night = await rehearse(tmp_path, config(budget={"trials": 10}), bowl(noise=0.001))
    await night.night.run()
    view = night.views.study("r")
    await night.close()
    assert view.best is not None
    assert view.best.gain > 0.05
    winner = view.trial(view.best.number)
    assert winner is not None
    assert any(a.name == "train.py:LEARNING_RATE" for a in winner.changed)
    assert "LEARNING_RATE" in winner.diff
    confirmations = [t for t in view.trials if t.role is Role.CONFIRM and t.repeats == winner.number]
    assert len(confirmations) in (2, 4)  # as the subject, and again as the rival of a later one
    assert {t.run_seed for t in confirmations}.isdisjoint({1, 2, 3})


async def test_noise_alone_is_not_kept(tmp_path: Path) -> None:
    rng = random.Random(5)

    def noise(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        return finished(1.0 + rng.gauss(0, 0.01))

    night = await rehearse(tmp_path, config(budget={"trials": 12}), noise)
    await night.run()
    assert not [t for t in night.trials if t.verdict is Verdict.KEEP]


async def test_baselines_come_first_and_the_first_runs_alone(tmp_path: Path) -> None:
    night = await rehearse(tmp_path, config(), bowl(noise=0.01), slots=3)
    await night.night.run()
    roles = [t.role for t in night.trials[:3]]
    seeds = [t.run_seed for t in night.trials[:3]]
    await night.close()
    assert roles == [Role.BASELINE] * 3
    assert seeds == [1, 2, 3]
    assert night.runner.company[0] == set()
    assert night.runner.company[1] == {2}
    assert night.runner.most_at_once == 3


async def test_a_baseline_that_cannot_run_ends_the_night_at_once(tmp_path: Path) -> None:
    night = await rehearse(tmp_path, config(), lambda *_: failed())
    with pytest.raises(StudyStopped, match=r"baseline does not run.*ValueError"):
        await night.run()
    assert len(night.runner.ran) == 2


async def test_a_run_like_its_parent_digit_for_digit_has_no_effect(tmp_path: Path) -> None:
    def ignores_all(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        return finished(1.0 + (seed or 0) / 100)

    night = await rehearse(tmp_path, config(budget={"trials": 3}), ignores_all)
    await night.night.run()
    searched = [t for t in night.trials if t.role is Role.SEARCH]
    await night.close()
    assert searched
    assert {t.verdict for t in searched} == {Verdict.NO_EFFECT}


async def test_out_of_memory_is_infeasible_and_a_crash_a_crash(tmp_path: Path) -> None:
    endings = iter([failed(Ending.OUT_OF_MEMORY, "killed"), failed(), finished(None)])

    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        return finished(1.0 + (seed or 0) / 100) if number < 3 else next(endings)

    night = await rehearse(tmp_path, config(budget={"trials": 3}), score)
    await night.night.run()
    verdicts = [(t.verdict, t.reason) for t in night.trials[3:]]
    await night.close()
    assert [verdict for verdict, _ in verdicts] == [Verdict.INFEASIBLE, Verdict.CRASH, Verdict.CRASH]
    assert "no value of loss" in verdicts[2][1]


async def test_a_trial_lost_by_the_machine_runs_again(tmp_path: Path) -> None:
    lost = {4}

    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        if number in lost:
            lost.clear()
            return failed(Ending.LOST, "the engine went away")
        return finished(1.0 + (seed or 0) / 100 + number / 1000)

    night = await rehearse(tmp_path, config(budget={"trials": 2}), score)
    await night.night.run()
    attempts = night.scribe.store.attempts("r", 4)
    verdict = night.scribe.trial(4).verdict
    await night.close()
    assert [a.ending for a in attempts] == [Ending.LOST, Ending.FINISHED]
    assert verdict is Verdict.DISCARD


async def test_a_constraint_that_is_broken_is_no_gain(tmp_path: Path) -> None:
    settings = config(
        budget={"trials": 4},
        constraints=[{"name": "loss_bound", "measure": {"source": "regex", "pattern": "loss: (.*)"}, "max": 0.1}],
    )

    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        from dataclasses import replace

        from nightlab.controller.model.score import Measurement, Trust

        base = finished(1.0 - number / 10)
        bound = Measurement("loss_bound", 5.0, Trust.REPORTED, "")
        return replace(base, measurements=(*base.measurements, bound))

    night = await rehearse(tmp_path, settings, score)
    await night.night.run()
    searched = [t for t in night.trials if t.role is Role.SEARCH]
    await night.close()
    assert {t.verdict for t in searched} == {Verdict.DISCARD}
    assert all("beyond its bound" in t.reason for t in searched)


async def test_no_seed_means_no_floor_and_no_keep(tmp_path: Path) -> None:
    settings = config(noise={"seed": {"kind": "none"}, "repeats": 2}, budget={"trials": 4})
    night = await rehearse(tmp_path, settings, bowl())
    await night.run()
    assert not [t for t in night.trials if t.verdict is Verdict.KEEP]
    assert "noise floor is unknown" in night.trials[-1].reason


async def test_draining_finishes_what_runs_and_a_resumed_night_goes_on(tmp_path: Path) -> None:
    settings = config(budget={"trials": 5})
    first = await rehearse(tmp_path, settings, bowl(noise=0.01))

    def drain_at_four(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        if number == 4:
            first.stop.ask()
        return bowl(noise=0.01)(literals, seed, number)

    first.runner.score = drain_at_four
    await first.run()
    second = await rehearse(tmp_path, settings, bowl(noise=0.01))
    before = {t.number: t.verdict for t in second.trials}
    assert set(before) == {0, 1, 2, 3, 4}
    await second.run()
    assert set(second.runner.ran).isdisjoint(before)
    assert sum(t.role is Role.SEARCH for t in second.trials) >= 5


async def test_stopping_now_leaves_the_trial_open_for_the_next_sitting(tmp_path: Path) -> None:
    settings = config(budget={"trials": 2})
    first = await rehearse(tmp_path, settings, bowl())

    def stop_at_four(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        if number == 4:
            first.stop.ask_now()
            return failed(Ending.STOPPED, "stopped")
        return bowl(noise=0.01)(literals, seed, number)

    first.runner.score = stop_at_four
    await first.run()
    second = await rehearse(tmp_path, settings, bowl(noise=0.01))
    assert second.scribe.trial(4).verdict is None
    await second.run()
    assert second.scribe.trial(4).verdict is not None
    assert len(second.scribe.store.attempts("r", 4)) == 2


async def test_the_same_seed_makes_the_same_night(tmp_path: Path) -> None:
    nights = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        night = await rehearse(tmp_path / name, config(budget={"trials": 6}), bowl(noise=0.01))
        await night.run()
        nights.append([(t.role, t.call, t.verdict, t.run_seed) for t in night.trials])
    assert nights[0] == nights[1]


async def test_executed_trees_never_run_again(tmp_path: Path) -> None:
    night = await rehearse(tmp_path, config(budget={"trials": 15}), bowl(noise=0.01))
    await night.run()
    ran = [t.run_digest for t in night.trials if t.role is Role.SEARCH and t.number in night.runner.ran]
    assert len(ran) == len(set(ran)) >= 15


async def test_a_script_seed_literal_is_set_for_each_repeat(tmp_path: Path) -> None:
    settings = config(
        noise={"seed": {"kind": "literal", "name": "train.py:--seed", "base": 7}, "repeats": 2}, budget={"trials": 0}
    )
    night = await rehearse(tmp_path, settings, bowl())
    await night.night.run()
    digests = {t.run_digest for t in night.trials}
    trees = {t.tree_digest for t in night.trials}
    await night.close()
    assert len(digests) == 2
    assert len(trees) == 1


class Stubborn:
    """A policy that proposes one and the same call, whatever happened."""

    def propose(self, candidates: Sequence[Candidate], history: Sequence[Past], number: int) -> Proposal:
        tune = candidates[0]
        arguments = {**tune.defaults, "train.py:LEARNING_RATE": 2e-3}
        return Proposal(ActionCall(tune.plugin, tune.action, arguments, tune.schema_digest), "again")


async def test_a_tree_that_ran_is_a_duplicate_even_if_a_policy_insists(tmp_path: Path) -> None:
    night = await rehearse(
        tmp_path, config(budget={"trials": 3}, noise={"repeats": 1}), bowl(noise=0.01), policy=Stubborn()
    )
    await night.run()
    searched = [t for t in night.trials if t.role is Role.SEARCH]
    assert [t.number for t in searched if t.number in night.runner.ran] == [1]
    assert len(searched) > 10
    assert {t.verdict for t in searched[1:]} == {Verdict.DUPLICATE}
    assert searched[1].reason == "the same tree as trial 1"
