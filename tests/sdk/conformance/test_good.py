"""Plugins that keep the protocol pass every check: one that does all there is, the SDK's example, nightlab's own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from nightlab.controller.actions.registry import BUILT_IN
from nightlab.sdk.conformance import Budget, CommandTarget, Verdict, closing_line, verdicts
from nightlab.sdk.conformance.workspaces import BUILT_IN as SMALL_REPO
from nightlab.sdk.conformance.workspaces import of_directory

ROOT = Path(__file__).parents[3]
LAUNCH = Path(__file__).with_name("launch.py")
BUDGET = Budget(repeat=2, start_s=60.0, call_s=60.0, brisk_s=60.0, stop_s=60.0)
OPTIONAL = {"observe-idempotent", "state-size", "completion", "completion-nonsense"}
SERVE = """
import sys
sys.path[:0] = {path!r}
from nightlab.sdk import serve
from {module} import {name} as plugin
serve(plugin)
"""


def served(target: str, *roots: Path) -> list[str]:
    path = [str(root) for root in (ROOT, ROOT / "proto", ROOT / "plugins", *roots)]
    module, _, name = target.partition(":")
    return [sys.executable, "-B", "-c", SERVE.format(path=path, module=module, name=name)]


def results(command: list[str], files: Mapping[str, bytes] = SMALL_REPO) -> list[Verdict]:
    return list(verdicts(CommandTarget(command), files=files, budget=BUDGET))


def not_passed(found: list[Verdict]) -> dict[str, str]:
    return {each.check: f"{each.status}: {each.message}" for each in found if each.status != "passed"}


def test_a_plugin_that_does_all_there_is_passes_all() -> None:
    found = results([sys.executable, str(LAUNCH), "good:Good"])
    assert not_passed(found).keys() == {"confined"}, not_passed(found)
    assert closing_line(found) == f"{len(found) - 1} passed, 0 failed, 1 skipped"


@pytest.mark.parametrize("name", BUILT_IN)
def test_nightlabs_own_plugins_pass(name: str) -> None:
    only_skips_what_is_optional(results(served(BUILT_IN[name])))


def test_the_example_of_a_package_passes() -> None:
    made_for = of_directory(ROOT / "tests/data/plugins/night/repo")
    only_skips_what_is_optional(results(served("warm_start:PLUGIN", ROOT / "examples/plugin-package/src"), made_for))


def only_skips_what_is_optional(found: list[Verdict]) -> None:
    left = not_passed(found)
    assert left.keys() <= OPTIONAL | {"confined"}, left
    assert all(message.startswith("skipped") for message in left.values()), left
