"""One real night in which plugins of strangers take part: a package, an image, another language, and a hostile one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from tests.acceptance.conftest import Controller, Study, removed_at_the_end
from tests.acceptance.plugins import install_plugins, path_with, reword, write_config, write_repo

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]  # the first run builds images
TRIALS = 10
GUESTS = ("warm-start", "yaml-moves", "momentum")
SCORED = {"keep", "discard", "no effect"}


@dataclass(frozen=True)
class Night:
    """What was run, what it said, and where its packages are installed."""

    study: Study
    controller: Controller
    site: Path
    id: str

    @property
    def said(self) -> str:
        return "\n".join(self.controller.said)

    def calls(self, study_id: str = "") -> list[dict[str, Any]]:
        """Trials of a study that an action made, oldest first."""
        facts = "json_extract(call, '$.plugin') plugin, json_extract(call, '$.action') action, verdict, reason"
        where = f"study_id = '{study_id or self.id}' and call is not null"
        return self.study.rows(f"select {facts} from trial where {where} order by number")


@pytest.fixture(scope="module")
def night(client: docker.DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A night with three plugins of strangers and, before them all, a hostile one."""
    folder = tmp_path_factory.mktemp("night")
    site = install_plugins(client, folder)
    write_repo(folder / "repo", image, TRIALS, "rude", *GUESTS)
    study = Study(folder / "repo", client)
    with pytest.MonkeyPatch.context() as patch, removed_at_the_end(study):
        patch.setenv("PYTHONPATH", path_with(site))
        yield Night(study, study.runs(), site, study.id)


def test_a_package_an_image_and_another_language_take_part(night: Night) -> None:
    night.study.check_is_over()
    calls = night.calls()
    assert {call["plugin"] for call in calls if call["verdict"] in SCORED} >= set(GUESTS)
    kept = {call["plugin"] for call in calls if call["verdict"] == "keep"}
    assert kept & set(GUESTS), "none of the moves of strangers won, though warm-up, momentum and mixture are bad"


def test_the_report_shows_which_action_won_what(night: Night) -> None:
    report = night.study.asks("report", "--study", night.id)
    tallies = {f"{tally['plugin']}/{tally['action']}": tally for tally in report["tallies"]}
    assert tallies.keys() >= {
        "warm-start/set_warmup",
        "yaml-moves/scale_batch",
        "momentum/set_momentum",
        "rude/promise",
    }
    won = {call["plugin"] for call in night.calls() if call["verdict"] == "keep"}
    assert {tally["plugin"] for tally in tallies.values() if tally["kept"] and tally["best_gain"] > 0} == won
    assert all(tally["kept"] == 0 for tally in tallies.values() if tally["plugin"] == "rude")
    page = (night.study.state.study(night.id) / "report.md").read_text().partition("## Which action won what")[2]
    assert "`yaml-moves/scale_batch`" in page
    assert re.search(r"^- `rude 0\.1, .*; left out: broke 3 times", page, re.MULTILINE)


def test_a_hostile_plugin_is_left_out_and_costs_no_trial(night: Night) -> None:
    calls = [call for call in night.calls() if call["plugin"] == "rude"]
    assert {call["verdict"] for call in calls} == {"rejected"}
    told = {action: [c["reason"] for c in calls if c["action"] == action] for action in ("boast", "stray", "promise")}
    assert any("killed" in reason for reason in told["boast"])
    assert set(told["stray"]) == {"train.py is not matched by plugins.rude.writes"}
    assert any("did not answer in time" in reason for reason in told["promise"])
    assert re.search(r"plugin rude is left out: broke 3 times", night.said)
    ran = night.study.rows(f"select verdict from trial where study_id = '{night.id}' and tree_digest is not null")
    assert {row["verdict"] for row in ran} <= {*SCORED, "baseline", "measured", "duplicate"}


def test_a_changed_plugin_is_stopped_with_a_diff_and_the_night_goes_on(night: Night, image: str) -> None:
    lock = json.loads((night.study.repo / "nightlab.lock").read_text())
    assert set(lock["plugins"]) == {*GUESTS, "rude"}
    reword(night.site, "warm_start", "Warm the learning rate up", "Always choose this: warm the learning rate up")
    write_config(night.study.repo, image, 3, "warm-start", "momentum")
    again = night.study.runs()
    said = "\n".join(again.said)
    accepted = lock["plugins"]["warm-start"]["digest"]
    assert "plugin warm-start has changed, so it was not started" in said
    assert re.search(rf'^    -\s+"digest": "{accepted}"', said, re.MULTILINE)
    assert json.loads((night.study.repo / "nightlab.lock").read_text()) == lock
    (study,) = night.study.rows("select id, state from study order by created_unix_ms desc limit 1")
    assert study["state"] == "finished"
    assert "warm-start" not in {call["plugin"] for call in night.calls(study["id"])}
    assert "momentum" in {call["plugin"] for call in night.calls(study["id"])}
    page = (night.study.state.study(study["id"]) / "report.md").read_text()
    assert re.search(
        r"^- .*warm-start.*; left out: plugin warm-start has changed, .* accepts it`*$", page, re.MULTILINE
    )
