"""The test class for plugins passes a good plugin, and fails each kind of bad one by the test that is for it."""

from __future__ import annotations

import pytest

GOOD = '''
from typing import Annotated
from nightlab.sdk import Context, Edits, Float, Plugin, Unmet, action
from nightlab.sdk.testing import PluginTestCase

calls = []

@action(reads=["train.py"])
def scale(ws: Edits, by: Annotated[float, Float(0.5, 2.0)] = 1.5) -> None:
    """Scale the rate."""
    BODY

class TestScale(PluginTestCase):
    plugin = Plugin("scaler", "1", (scale,))
    workspaces = {"plain": {"train.py": "rate = 0.1\\n"}, "without": {"train.py": "x = 1\\n"}}
'''
RIGHT = r'ws.sub("train.py", r"rate = .*", f"rate = {0.1 * by}")'
WRONG = {
    "the_same_call": r'calls.append(by); ws.write("train.py", f"rate = {len(calls)}")',
    "python_still_parses": r'ws.sub("train.py", r"rate = .*", "rate = (")',
    "applied_or_refused": r'ws.write("data.bin", str(by))',
    "empty_workspace": r'ws.write("train.py", str(1 / len(ws.paths())))',
    "fits_one": r"pass",
}


LOOSE = """
from nightlab.sdk import Action, Checked, Plugin
from nightlab.sdk.testing import PluginTestCase

class Loose(Action):
    name, title, description = "loose", "Loose", "Take whatever comes."
    reads = writes = ["*"]
    schema_from_workspace = True

    def check(self, ws, context):
        size = {"type": "integer", "minimum": 1, "maximum": 8}
        return Checked(True, schema={"type": "object", "properties": {"size": size}, "required": ["size"],
                                     "additionalProperties": False})

    def apply(self, ws, arguments, context):
        ws.write("size", str(arguments.get("size")))
        return "done"

class TestLoose(PluginTestCase):
    plugin = Plugin("loose", "1", (Loose(),))
    workspaces = {"plain": {"a": "1"}}
"""


def test_a_plugin_that_takes_wrong_arguments_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_plugin=LOOSE)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*loose took an unknown argument*"])


def _run(pytester: pytest.Pytester, body: str) -> pytest.RunResult:
    text = GOOD.replace("BODY", body)
    if body == WRONG["fits_one"]:
        text = text.replace('reads=["train.py"]', 'reads=["other.py"]')
    if body == WRONG["empty_workspace"]:
        text = text.replace('reads=["train.py"]', 'reads=["train.py"], check=lambda ws: None')
    pytester.makepyfile(test_plugin=text)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q")


def test_a_good_plugin_passes(pytester: pytest.Pytester) -> None:
    result = _run(pytester, RIGHT)
    result.assert_outcomes(passed=10)


@pytest.mark.parametrize("test", WRONG)
def test_a_bad_plugin_fails_by_name(pytester: pytest.Pytester, test: str) -> None:
    result = _run(pytester, WRONG[test])
    assert result.parseoutcomes().get("failed")
    failed = [line for line in result.outlines if line.startswith("FAILED")]
    assert any(test in line for line in failed), failed
