"""Which checks a version has is frozen, and the page on the protocol has a place for each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nightlab.controller.actions import apply, completing, host, runtime, select
from nightlab.controller.config.plugin import Plugin
from nightlab.controller.plugins.container import STOP_GRACE_S
from nightlab.sdk.conformance import CHECKS, VERSIONS, Budget, answers, required, workspaces
from nightlab.sdk.conformance.learning import QUESTIONS, STATE_BYTES
from nightlab.sdk.conformance.target import MESSAGE_BYTES

ROOT = Path(__file__).parents[3]
# Once released a list stays what it is: a new check belongs to the next version.
V1_0 = """
    info unknown-values actions-named actions-stable paging page-token descriptions schemas globs effects
    apply-answers apply-repeatable check-harmless edits-inside-writes edits-on-base edits-change parallel unknown-action
    large-message random-arguments bad-arguments bad-json narrowed-schema missing-files empty-workspace not-utf8
    line-ends settings garbage-state optional-calls observe-idempotent state-size completion completion-nonsense
    start-time restart call-time output memory confined sigterm no-socket
"""


def anchors(page: str) -> list[str]:
    """Headings as the anchors that a page with them has."""
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.+)$", page)]


def test_the_first_version_has_these_checks():
    assert [check.name for check in required("v1.0")] == V1_0.split()
    assert VERSIONS[0] == "v1.0"


def test_every_check_belongs_to_a_version_and_has_a_name_of_its_own():
    assert {check.since for check in CHECKS} <= set(VERSIONS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.title.endswith(".") for check in CHECKS)


def test_a_version_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"no requirements 'v0\.1'; there are v1\.0"):
        required("v0.1")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_place_that_a_verdict_names_is_there(check):
    path, _, anchor = check.spec.partition("#")
    assert anchors((ROOT / path).read_text()).count(anchor) == 1


def test_the_page_has_no_place_for_a_check_that_is_not_there():
    page = (ROOT / "docs/plugin-protocol.md").read_text()
    assert re.findall(r"(?m)^### (.+)$", page) == [check.name for check in CHECKS]


def test_the_kit_is_as_strict_as_the_host():
    assert (answers.MOST_EDITS, answers.EDIT_BYTES) == (apply.MAX_EDITS, apply.EDIT_BYTES)
    assert answers.RESUME_BYTES == completing.RESUME_BYTES
    assert QUESTIONS == completing.ROUNDS - 1, "the last answer must be edits or a rejection"
    assert (STATE_BYTES, MESSAGE_BYTES) == (host.STATE_BYTES, runtime.MESSAGE_BYTES)
    assert (workspaces.WORKSPACE_BYTES, workspaces.FILE_BYTES) == (select.WORKSPACE_BYTES, select.FILE_BYTES)


def test_a_plugin_has_the_time_and_memory_that_a_host_gives_by_default():
    table, budget = Plugin(image="x"), Budget()
    assert (budget.start_s, budget.call_s, budget.stop_s) == (table.start_timeout, table.call_timeout, STOP_GRACE_S)
    assert budget.memory_bytes == table.memory
