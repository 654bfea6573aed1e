"""Every check of the kit is failed by at least one plugin that breaks its promise, and says how."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sdk.conformance.broken import editing, learning, living, refusing, starting
from tests.sdk.conformance.broken.breaking import BROKEN, Breaking

from nightlab.sdk.conformance import CHECKS, Budget, CommandTarget, Verdict, verdicts

MODULES = (starting, editing, refusing, learning, living)
LAUNCH = Path(__file__).with_name("launch.py")
BUDGET = Budget(repeat=2, stop_s=15.0, memory_bytes=150 * 2**20)
# What a broken plugin hangs in, so that nobody waits for it as long as for a slow machine.
SHORT = {
    "call-time": replace(BUDGET, call_s=0.5),
    "living:Deaf": replace(BUDGET, start_s=1.5),
    "living:Stubborn": replace(BUDGET, stop_s=0.5),
    "living:Waiting": replace(BUDGET, start_s=1.5),
}
# Its broken counterpart is a container, which the tests of the host's side start.
ELSEWHERE = {"confined"}


def checked(broken: Breaking) -> Verdict:
    budget = SHORT.get(broken.check) or SHORT.get(broken.where.removeprefix("broken.")) or BUDGET
    checks = [check for check in CHECKS if check.name == broken.check]
    (verdict,) = verdicts(CommandTarget([sys.executable, str(LAUNCH), broken.where]), checks, budget=budget)
    return verdict


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: f"{each.check}-{each.where.partition(':')[2]}")
def test_a_broken_promise_is_found_and_named(broken: Breaking) -> None:
    verdict = checked(broken)
    assert (verdict.check, verdict.status) == (broken.check, broken.status), verdict.message
    assert broken.says in verdict.message


def test_every_check_is_failed_by_a_broken_plugin() -> None:
    assert {each.check for each in BROKEN} | ELSEWHERE == {check.name for check in CHECKS}
    assert {each.where.partition(":")[0] for each in BROKEN} == {
        f"broken.{m.__name__.rpartition('.')[2]}" for m in MODULES
    }


# What they say is used by many checks: the kit must not stumble over it.
@pytest.mark.parametrize(
    "where",
    [
        "starting:NoSchema",
        "starting:RootCombinator",
        "starting:NoActions",
        "starting:EndlessPages",
        "refusing:Unbounded",
    ],
)
def test_the_whole_kit_goes_over_a_broken_plugin(where: str) -> None:
    found = list(verdicts(CommandTarget([sys.executable, str(LAUNCH), f"broken.{where}"]), budget=BUDGET))
    assert [verdict.check for verdict in found] == [check.name for check in CHECKS]
    assert any(verdict.status == "failed" for verdict in found)
    assert all(verdict.message for verdict in found)
