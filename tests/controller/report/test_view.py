"""The view's JSON form is complete, stable and safe to print."""

import json

import pytest
from tests.controller.report import factory

from nightlab.controller.model.score import Verdict
from nightlab.controller.report.view import ArgumentView, ScoreView, to_json

VIEWS = ("good_night", "no_gain", "unknown_floor", "all_crashed", "empty", "running", "multi_objective", "hostile")


@pytest.mark.parametrize("name", VIEWS)
def test_every_study_has_a_strict_json_form(name):
    view = getattr(factory, name)()
    text = json.dumps(to_json(view), allow_nan=False)
    back = json.loads(text)
    assert back["id"] == view.id
    assert [trial["number"] for trial in back["trials"]] == [trial.number for trial in view.trials]


def test_a_trial_carries_what_the_command_line_promises():
    trial = to_json(factory.good_night().trial(5))
    assert trial["number"] == 5 and trial["parent"] is None and trial["verdict"] == "keep"
    assert trial["actions"][0]["arguments"][0] == {"name": "LR", "before": 0.0003, "after": 0.0009}
    assert trial["scores"][0]["value"] == 2.2188 and trial["scores"][0]["trust"] == "reported"
    assert len(trial["tree_digest"]) == 64 and trial["image_id"].startswith("sha256:")
    assert trial["posture"]["network"] == "none"
    assert trial["wall_s"] > trial["train_s"] > 0 and trial["peak_memory_bytes"] > 0 and trial["attempts"] == 1


def test_a_missing_value_is_null_and_not_zero():
    assert to_json(factory.good_night().trial(6))["scores"][0]["value"] is None


def test_numbers_that_json_lacks_become_null():
    assert to_json({"a": float("nan"), "b": (float("inf"), 1.5)}) == {"a": None, "b": [None, 1.5]}


def test_hostile_text_dumps_to_plain_ascii():
    text = json.dumps(to_json(factory.hostile()), allow_nan=False)
    assert text.isascii() and text.isprintable()


def test_what_is_no_value_is_refused():
    with pytest.raises(TypeError, match="object"):
        to_json({"x": object()})


@pytest.mark.parametrize(
    ("before", "after", "is_changed"), [(1, 1, False), (1, 1.0, True), (1, True, True), (0.5, 0.3, True)]
)
def test_a_change_of_type_is_a_change(before, after, is_changed):
    assert ArgumentView("x", before, after).is_changed is is_changed


def test_a_broken_bound_or_a_failure_is_not_feasible():
    view = factory.good_night()
    assert view.trial(5).is_feasible
    assert not view.trial(11).is_feasible
    assert view.trial(11).verdict is Verdict.INFEASIBLE
    assert view.trial(5).score("nothing") is None
    assert isinstance(view.trial(5).score("val_bpb"), ScoreView)
