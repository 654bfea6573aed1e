"""The first line of a report says what came of the night, and why, and nothing that was not measured."""

from dataclasses import replace

import pytest
from tests.controller.report import factory

from nightlab.controller.model.score import Verdict
from nightlab.controller.model.trial import Role
from nightlab.controller.report.headline import Tone, failure_groups, fold, headline, ledger_note, top_single_run
from nightlab.controller.report.view import LedgerRow

TIMES = "\N{MULTIPLICATION SIGN}"


def told(view):
    said = headline(view)
    return f"{said.title} | {' '.join(said.details)}"


def test_a_confirmed_gain_is_named_with_its_size_against_the_floor():
    text = told(factory.good_night())
    assert text.startswith("Trial 5 lowers val_bpb by 0.0476 bits/byte (\N{MINUS SIGN}2.10 %) | ")
    assert f"4.0{TIMES} the noise floor of 0.0118 bits/byte; the gain lies between 0.0371 and 0.0581 bits/byte." in text
    assert "mean of 3 runs" in text and "Peak memory 2.3 GiB" in text


def test_a_maximized_objective_is_raised():
    text = told(factory.multi_objective())
    assert text.startswith("Trial 2 raises accuracy by 2.60 % (+3.66 %)")


def test_a_gain_below_the_floor_is_called_luck():
    said = headline(factory.no_gain())
    assert said.title == "No confirmed gain" and said.tone is Tone.PLAIN
    assert "trial 4, better by 0.0059 bits/byte: 0.5" in said.details[0] and "may be luck" in said.details[0]


def test_an_unconfirmed_gain_above_the_floor_is_not_called_luck():
    view = factory.good_night()
    text = told(replace(view, best=None, trials=tuple(t for t in view.trials if t.number not in (5, 12))))
    assert "No confirmed gain" in text and f"2.5{TIMES} the noise floor, but" in text


def test_no_trial_better_than_the_baseline():
    view = factory.no_gain()
    text = told(replace(view, trials=view.trials[:4]))
    assert "No trial was better than the baseline; trial 3 came closest." in text


def test_a_night_of_baselines_alone_does_not_say_that_trials_failed():
    view = factory.no_gain()
    baselines = tuple(trial for trial in view.trials if trial.role is Role.BASELINE)
    assert baselines and "No search trial was run." in told(replace(view, trials=baselines))


def test_an_unknown_floor_names_the_remedy():
    assert "[noise.seed]" in told(factory.unknown_floor())


def test_a_baseline_that_cannot_run_is_bad_news_with_its_reason():
    said = headline(factory.all_crashed())
    text = " ".join(said.details)
    assert said.tone is Tone.BAD
    assert "the baseline crashed 3 times" in text and "No module named 'tiktoken'" in text


def test_an_empty_study_says_so():
    assert "stopped by ctrl-c" in told(factory.empty()) and "No trial was run." in told(factory.empty())


def test_a_running_study_promises_nothing():
    assert told(factory.running()).startswith("No confirmed gain yet | The study is running.")


@pytest.mark.parametrize("name", ["hostile"])
def test_untrusted_words_are_inert(name):
    assert told(getattr(factory, name)()).isprintable()


def test_an_infeasible_trial_is_never_the_best_single_run():
    view = factory.good_night()
    winner = replace(view.trial(4), bounds=(replace(view.trial(4).bounds[0], is_kept=False),), number=99)
    better = replace(winner, scores=(replace(winner.scores[0], value=1.0, gain=1.27),))
    assert top_single_run(replace(view, trials=(*view.trials, better))).number == 5


def test_like_failures_are_one_group_and_the_dearest_is_first():
    groups = failure_groups(factory.good_night().trials)
    assert groups[0].verdict is Verdict.CRASH and groups[0].numbers == (6, 17)
    assert groups[0].wall_s == pytest.approx(122.4)
    assert [group.verdict for group in groups[1:]] == [Verdict.INFEASIBLE, Verdict.LOST, Verdict.REJECTED]


def test_a_given_signature_decides_the_group():
    first, second = (factory.crash(n, 0, "same", {}) for n in (1, 2))
    assert len(failure_groups([first, second])) == 1
    assert len(failure_groups([replace(first, signature="a"), replace(second, signature="b")])) == 2


def test_fold_keeps_the_kind_and_drops_numbers_and_places():
    assert fold("KeyError: 'x7' at /app/src/train.py:88 0xdeadBEEF 1.5e-3") == "KeyError: 'x#' at train.py:# # #"


def test_a_ledger_with_a_hole_is_called_out():
    view = factory.good_night()
    assert ledger_note(view).endswith("2 slots.")
    assert "40 min 00 s are unaccounted for" in ledger_note(replace(view, ledger=(LedgerRow("useful", 9600.0),)))
    assert "counted twice" in ledger_note(replace(view, ledger=(LedgerRow("useful", 99999.0),)))
