"""What does not fit, breaks or learns wrongly costs no container time of others and ends no night."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.controller.study.recipe_parts import BLOCKS, Scripted, Step, flat, of, searched, settings, worth
from tests.controller.study.rehearsal import Literals, config, failed, rehearse

from nightlab.controller.config.schema import Budget
from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import TrialOutcome


async def test_what_does_not_fit_on_a_recipe_is_tried_on_the_base_and_costs_no_container(
    tmp_path: Path,
) -> None:
    chosen = settings("blocks/momentum", "blocks/picky", trials=14)
    night = await rehearse(tmp_path, chosen, worth, plugins=BLOCKS)
    await night.night.run()
    kept = [t for t in searched(night) if t.verdict is Verdict.KEEP]
    picky = of(night, "blocks/picky")
    rejected = [t for t in picky if t.verdict is Verdict.REJECTED]
    ran = set(night.runner.ran)
    view = night.views.study("r")
    counted = [t for t in searched(night) if t.tree_digest]
    await night.close()
    assert any(t.call.action == "momentum" for t in kept)
    assert rejected
    assert not {t.number for t in rejected} & ran
    per_ground = Counter(t.parent for t in rejected)
    assert max(per_ground.values()) <= 2
    assert len([t for t in picky if t.parent == 0 and t.number > rejected[0].number]) >= 1
    assert len(counted) >= 14
    tally = next(t for t in view.tallies if t.action == "picky")
    assert (tally.trials, tally.outcomes["rejected"]) == (len(picky), len(rejected))
    assert tally.kept == 0 and tally.best_gain is None
    won = view.tallies[0]
    assert won.name == "blocks/momentum" and won.kept and won.best_gain == pytest.approx(0.3, abs=0.02)
    assert won.gain_per_container_min == pytest.approx(60 * won.gain / won.container_s)


async def test_what_breaks_on_a_recipe_is_tried_on_the_base_and_costs_no_container(tmp_path: Path) -> None:
    night = await rehearse(tmp_path, settings("blocks/momentum", "blocks/fragile", trials=16), worth, plugins=BLOCKS)
    await night.night.run()
    fragile, ran, counted = of(night, "blocks/fragile"), set(night.runner.ran), searched(night)
    await night.close()
    broken = [t for t in fragile if t.verdict is Verdict.REJECTED]
    assert broken and all("went away during a call" in t.reason for t in broken)
    assert len(broken) <= 2 and not {t.number for t in broken} & ran
    assert [t for t in fragile if t.parent == 0 and t.number in ran]
    assert sum(t.tree_digest is not None for t in counted) >= 16


async def test_a_plugin_that_breaks_everywhere_leaves_with_all_of_its_actions(tmp_path: Path) -> None:
    night = await rehearse(tmp_path, settings("blocks/dying", "blocks/picky", trials=16), worth, plugins=BLOCKS)
    await night.night.run()
    dying, after = of(night, "blocks/dying"), searched(night)
    events = [event.text for event in night.scribe.store.events("r") if event.kind == "plugin"]
    view = night.views.study("r")
    await night.close()
    assert len(dying) == 3 and {t.verdict for t in dying} == {Verdict.REJECTED}
    assert {t.call.plugin for t in after if t.call and t.number > dying[-1].number} == {"hyperparameter"}
    assert sum(t.tree_digest is not None for t in after) >= 16
    assert len([text for text in events if "plugin blocks is left out: broke 3 times" in text]) == 1
    told = {plugin.name: plugin for plugin in view.plugins}
    assert "broke 3 times" in told["blocks"].stopped and told["blocks"].version == "1.3"
    assert not told["hyperparameter"].stopped
    assert any("plugin blocks is left out" in note for note in view.notes)


async def test_an_action_that_takes_the_seed_away_is_rejected_and_ends_no_night(tmp_path: Path) -> None:
    seeded = {"kind": "literal", "name": "train.py:--seed", "base": 1}
    steps = [Step("blocks/unseeding", {}), Step("blocks/momentum", {"share": 0.5})]
    chosen = config(
        budget={"trials": 2}, search={"actions": ["hyperparameter", "blocks"]}, noise={"seed": seeded, "repeats": 2}
    )
    night = await rehearse(tmp_path, chosen, flat, plugins=BLOCKS, policy=Scripted(steps))
    await night.night.run()
    first, second = searched(night)
    await night.close()
    assert first.verdict is Verdict.REJECTED and "noise.seed.name" in first.reason
    assert second.verdict is Verdict.DISCARD


async def test_proposals_that_nobody_ran_are_no_failures_in_a_row(tmp_path: Path) -> None:
    def fails_late(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        return failed() if "DECAY" in literals else flat(literals, seed, number)

    refused = [Step("blocks/picky", {"decay": decay}, on=0) for decay in (2.0, 4.0, 5.0)]
    tuned = Step("hyperparameter/hyperparameter", {"train.py:LEARNING_RATE": 2e-3})
    steps = [Step("blocks/momentum", {"share": 0.5}), *refused, Step("blocks/picky", {"decay": 2.0}), tuned]
    chosen = settings("blocks").model_copy(update={"budget": Budget(trials=6, failures_in_a_row=3)})
    night = await rehearse(tmp_path, chosen, fails_late, plugins=BLOCKS, policy=Scripted(steps))
    await night.night.run()
    verdicts = [trial.verdict for trial in searched(night)]
    await night.close()
    assert verdicts == [Verdict.DISCARD, *[Verdict.REJECTED] * 3, Verdict.CRASH, Verdict.DISCARD]
