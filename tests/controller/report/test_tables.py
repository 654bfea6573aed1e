"""Terminal tables say what a person asked for, in plain text that no trial can turn into markup or escapes."""

import io

import pytest
from rich.console import Console
from tests.controller.report import factory
from tests.controller.report.golden import check_golden

from nightlab.controller.report import tables

VIEWS = (
    *("good_night", "several_actions", "no_gain", "unknown_floor", "all_crashed", "empty", "running"),
    *("multi_objective", "hostile"),
)


def drawn(what, width=120):
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(what)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def test_the_final_table_is_the_golden_one():
    check_golden("final_table.txt", drawn(tables.final_table(factory.good_night())))


def test_the_trial_page_is_the_golden_one():
    view = factory.good_night()
    pages = [drawn(tables.trial_show(view, view.trial(number))) for number in (5, 8)]
    view = factory.gated_night()
    pages += [drawn(tables.trial_show(view, view.trial(number))) for number in (3, 7, 15, 17)]
    pages.append(drawn(tables.status(view)))
    several = factory.several_actions()
    pages += [drawn(tables.status(several), 140), drawn(tables.trial_show(several, several.trial(5)))]
    check_golden("trial_show.txt", "\n".join(pages))


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("width", [40, 120])
def test_every_table_draws_every_study(name, width):
    view = getattr(factory, name)()
    shown = [tables.final_table(view), tables.trial_list(view), tables.status(view), tables.ledger_table(view)]
    shown += [tables.trial_show(view, trial) for trial in view.trials]
    for what in shown:
        assert drawn(what, width).replace("\n", "").isprintable()


def test_hostile_text_is_no_markup():
    view = factory.hostile()
    text = drawn(tables.trial_show(view, view.trial(5)), 2000)
    assert "[/foo][bold red]{{7*7}}" in text and "\\x1b[2J" in text


def test_status_names_what_runs_now():
    text = drawn(tables.status(factory.running()))
    assert "running now" in text and "    5   running" in text and "    6" not in text


def test_the_ledger_sums():
    text = drawn(tables.ledger_table(factory.good_night()))
    assert "idle" in text and "52.0 %" in text and "3 h 20 min of container time" in text


def test_a_diff_is_coloured():
    text = tables.diff_text(factory.good_night().trial(5).diff)
    styles = {str(span.style) for span in text.spans}
    assert {"red", "green", "red reverse", "green reverse", "cyan", "bold"} <= styles
