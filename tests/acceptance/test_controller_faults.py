"""A study whose controller is killed, or whose container is taken away, ends as if nothing had happened (C02, C18)."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker
DETECTED_S = 15.0


def is_whole(log: str) -> bool:
    """Every numbered line is there once, and the last line tells their number."""
    *steps, count, loss = log.splitlines()
    numbered = all(line == f"step {number} " + "x" * 90 for number, line in enumerate(steps))
    return numbered and count == f"steps: {len(steps)}" and loss.startswith("loss: ")


def output(study, number, attempt=1):
    return study.state.log(study.id, number, attempt).read_text()


def test_a_killed_controller_takes_its_trial_over_and_loses_no_byte(study):
    it = study(prints_s={2: 4}, repeats=3)
    controller = it.start()
    controller.says(r"^trial 1 \| step")
    controller.kill()
    [name] = it.running()
    before = it.client.containers.get(name).id
    with it.event("create", "-t1-a2") as _:
        resumed = it.start("--resume")
        resumed.says("^study ")
        assert it.client.containers.get(name).id == before
        assert resumed.ends() == 0, resumed.said
    assert it.attempts(1) == ["finished"]
    assert is_whole(output(it, 1))
    assert len(output(it, 1).splitlines()) > 100
    assert [row["verdict"] for row in it.rows("select verdict from trial order by number")] == ["baseline"] * 3
    it.check_is_over()


def test_a_controller_that_is_killed_twice_still_loses_no_byte(study):
    it = study(prints_s={1: 5})
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    controller.kill()
    again = it.start("--resume")
    again.says("^study ")
    again.kill()
    it.runs("--resume")
    assert it.attempts(0) == ["finished"]
    assert is_whole(output(it, 0))
    it.check_is_over()


def test_what_was_changed_and_put_back_while_no_controller_was_there_is_noticed_by_the_next(study):
    it = study(prints_s={1: 5})
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    controller.kill()
    [name] = it.running()
    pid = it.client.containers.get(name).attrs["State"]["Pid"]
    script = Path(f"/proc/{pid}/root/app/train.py")
    text = script.read_text()
    script.write_text(text.replace("LEARNING_RATE = 0.1", "LEARNING_RATE = 0.3"))
    script.write_text(text)
    it.start("--resume").ends()
    assert it.attempts(0)[0] == "not as sealed"
    [gate] = it.rows("select gate from attempt where number = 0 and attempt = 1")
    assert '"where": "during the run"' in gate["gate"]
    assert '"linted_files": 1' in gate["gate"]


@pytest.mark.parametrize("moment", ["create", "start"])
def test_an_attempt_that_was_not_launched_is_lost_and_its_trial_runs_again(study, moment):
    it = study(prints_s={})
    controller = it.start()
    controller.says("^note: checking the base tree")
    with it.event(moment, "-t0-a1") as wait:
        wait()
        controller.kill()
    if it.attempts(0) != [None]:
        pytest.fail("the trial was over before the kill")
    it.runs("--resume")
    assert it.attempts(0) == ["lost", "finished"]
    it.check_is_over()


@pytest.mark.parametrize("container", ["survey", "probe"])
def test_a_preparation_that_was_killed_is_made_again(study, container):
    it = study(prints_s={})
    controller = it.start()
    with it.event("start", f"-{container}") as wait:
        wait()
        controller.kill()
    assert it.running() != []
    it.runs("--resume")
    assert it.attempts(0) == ["finished"]
    it.check_is_over()


def test_a_preparation_that_fails_leaves_nothing_and_cannot_be_resumed(study):
    it = study(prints_s={})
    with (it.repo / "nightlab.toml").open("a") as config:
        config.write("[prepare]\ncommand = 'false'\n")
    failed = it.start()
    assert failed.ends() == 1
    assert "prepare.command ended with exit code 1" in " ".join(failed.said)
    assert it.left() == ()
    resumed = it.start("--resume", "--study", it.id)
    assert resumed.ends() == 1
    assert "has ended" in " ".join(resumed.said)


def test_a_container_that_somebody_removes_is_noticed_and_its_trial_runs_again(study):
    it = study(prints_s={1: 4})
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    it.client.containers.get(it.container(0)).remove(force=True)
    removed = time.monotonic()
    controller.says("trial 0 was lost")
    assert time.monotonic() - removed < DETECTED_S
    assert controller.ends() == 0, controller.said
    assert it.attempts(0) == ["lost", "finished"]
    assert is_whole(output(it, 0, 2))
    it.check_is_over()


def test_a_second_controller_is_refused_by_name(study):
    it = study(prints_s={1: 30})
    controller = it.start()
    controller.says("^trial 0 running")
    second = it.start("--resume")
    assert second.ends() == 1
    assert re.search(rf"in use by process {controller.process.pid}\b", " ".join(second.said))
    controller.kill()
