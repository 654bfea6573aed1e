"""A study that is stopped ends its trials as it was asked, leaves nothing running, and goes on later (C14)."""

from __future__ import annotations

import signal
import time

import pytest
from tests.acceptance.conftest import interrupt_twice

pytestmark = pytest.mark.docker
INTERRUPTED = 130
STOPPED_WITHIN_S = 30.0


def test_one_interrupt_lets_the_running_trial_finish_and_begins_no_other(study):
    it = study(prints_s={1: 3}, repeats=2)
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    controller.signal(signal.SIGINT)
    assert controller.ends() == INTERRUPTED
    assert it.attempts(0) == ["finished"]
    assert it.attempts(1) == []
    assert it.running() == []
    it.check_is_whole()
    it.runs("--resume")
    assert it.attempts(0) == it.attempts(1) == ["finished"]
    it.check_is_over()


def stop_twice(controller, _study):
    interrupt_twice(controller)


def terminate(controller, _study):
    controller.signal(signal.SIGTERM)


def hang_up(controller, _study):
    controller.signal(signal.SIGHUP)


def stop_command(_controller, study):
    assert study.asks("stop", "--now")["now"] is True


@pytest.mark.parametrize("how", [stop_twice, terminate, hang_up, stop_command])
def test_a_study_that_is_stopped_ends_its_trial_soon_and_leaves_nothing_running(study, how):
    it = study(prints_s={1: 80})
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    asked = time.monotonic()
    how(controller, it)
    assert controller.ends(STOPPED_WITHIN_S) == INTERRUPTED
    assert time.monotonic() - asked < STOPPED_WITHIN_S
    assert it.attempts(0) == ["stopped"]
    assert it.running() == []
    it.check_is_whole()


def test_stop_command_lets_the_running_trial_finish(study):
    it = study(prints_s={1: 3}, repeats=2)
    controller = it.start()
    controller.says(r"^trial 0 \| step")
    assert it.asks("stop")["now"] is False
    assert controller.ends() == INTERRUPTED
    assert (it.attempts(0), it.attempts(1)) == (["finished"], [])
    assert it.running() == []
    it.asks("clean")
    assert it.left() == ()
    resumed = it.start("--resume")  # without what its trials read, which an engine would make anew, empty
    assert resumed.ends() == 1
    assert "cannot go on" in " ".join(resumed.said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_study_that_is_stopped_while_it_prepares_ends_soon(study, number):
    it = study(prints_s={1: 80})
    controller = it.start()
    with it.event("start", "-survey") as wait:
        wait()
        controller.signal(number)
    assert controller.ends(STOPPED_WITHIN_S) == INTERRUPTED
    assert it.running() == []
    it.check_is_whole()
