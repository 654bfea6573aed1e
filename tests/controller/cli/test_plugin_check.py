"""`nightlab plugin check`: a line for each check, a count, and an exit code that a CI understands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click.testing
import pytest
from typer.testing import CliRunner

from nightlab.controller.cli.app import app

LAUNCH = Path(__file__).parents[2] / "sdk/conformance/launch.py"
GOOD = "good:Good"
NO_VERSION = "broken.starting:NoVersion"


def check(plugin: str, *options: str) -> click.testing.Result:
    return CliRunner().invoke(app, ["plugin", "check", *options, "--", sys.executable, str(LAUNCH), plugin])


def test_each_check_is_a_line_of_json_and_the_last_line_counts() -> None:
    done = check(GOOD, "--only", "info", "--only", "bad-arguments", "--repeat", "1")
    assert done.exit_code == 0, done.output
    *lines, closing = done.stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(each["check"], each["status"]) for each in found] == [("info", "passed"), ("bad-arguments", "passed")]
    assert [each["spec"] for each in found] == [f"docs/plugin-protocol.md#{each['check']}" for each in found]
    assert all(each["seconds"] >= 0 and each["message"] for each in found)
    assert closing == "2 passed, 0 failed"


def test_a_broken_promise_is_exit_code_1_and_says_what_to_do() -> None:
    done = check(NO_VERSION, "--only", "info", "--only", "paging")
    assert done.exit_code == 1
    info, paging, closing = done.stdout.splitlines()
    assert json.loads(info)["status"] == "failed" and "use 1 to 60" in json.loads(info)["message"]
    assert json.loads(paging)["status"] == "passed"
    assert closing == "1 passed, 1 failed"


def test_what_is_expected_to_fail_may_fail_and_must_not_pass(tmp_path: Path) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text("info  # has no version yet\n")
    fails = check(NO_VERSION, "--only", "info", "--expected-failures", str(expected))
    assert (fails.exit_code, fails.stdout.splitlines()[-1]) == (0, "0 passed, 0 failed, 1 failed as expected")
    passes = check(GOOD, "--only", "info", "--expected-failures", str(expected))
    assert (passes.exit_code, passes.stdout.splitlines()[-1]) == (1, "0 passed, 1 failed, 1 passed unexpectedly")
    assert "take it out" in json.loads(passes.stdout.splitlines()[0])["message"]


def test_the_workspace_is_that_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("norm: layer\n")
    fits = check(GOOD, "--only", "edits-change", "--workspace", str(tmp_path))
    assert json.loads(fits.stdout.splitlines()[0])["status"] == "passed"
    (tmp_path / "config.yaml").rename(tmp_path / "other.yaml")
    fits_not = check(GOOD, "--only", "edits-change", "--workspace", str(tmp_path))
    assert json.loads(fits_not.stdout.splitlines()[0])["status"] == "skipped"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--only", "nothing"], "no check 'nothing'"),
        (["--requirements", "v9.0"], "no requirements 'v9.0'"),
        (["--workspace", "/nowhere/at/all"], "holds no file"),
        (["--expected-failures", "/nowhere/at/all"], "cannot be read"),
        (["--repeat", "0"], "--repeat"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_names_the_remedy(options: list[str], says: str) -> None:
    done = check(GOOD, *options)
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())


def test_it_says_so_where_there_is_nothing_to_check() -> None:
    done = CliRunner().invoke(app, ["plugin", "check"])
    assert done.exit_code == 2
    assert "--image REFERENCE" in " ".join(done.output.replace("│", " ").split())


def test_a_command_that_is_not_there_fails_each_check_with_a_reason() -> None:
    done = CliRunner().invoke(app, ["plugin", "check", "--only", "info", "--", "/nowhere/at/all"])
    assert done.exit_code == 1
    assert "give a command that runs" in json.loads(done.stdout.splitlines()[0])["message"]
