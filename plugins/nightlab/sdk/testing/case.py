"""A test class for a whole plugin: what the host expects of each action, tried on the author's own files.

A part of what `nightlab plugin check` asks over the socket, without a server and with tracebacks.
"""

from __future__ import annotations

import ast
import unittest
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from nightlab.api.globs import matches_any
from nightlab.sdk.action import Action, Plugin
from nightlab.sdk.completion import Ask
from nightlab.sdk.conformance.arguments import bad_values, example, samples
from nightlab.sdk.testing.calls import Applied, Rejected, apply, apply_json, check
from nightlab.sdk.testing.messages import Files

SEED: Final = "nightlab"


class PluginTestCase:
    """Give a subclass a `plugin` and `workspaces`; pytest runs every test for every action on every workspace.

    class TestWarmUp(PluginTestCase):
        plugin = PLUGIN
        workspaces = {"plain": {"config.yaml": "lr: 0.1"}}

    Attributes:
        plugin: Under test.
        workspaces: Files by path, by a name that reports show. Each action must fit at least one of them.
        settings: The user's settings that the actions are given.
        samples: How many different arguments are tried.
    """

    plugin: ClassVar[Plugin]
    workspaces: ClassVar[Mapping[str, Files]]
    settings: ClassVar[Mapping[str, Any]] = {}
    samples: ClassVar[int] = 12

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make one test of each action, and of each workspace where the test wants one."""
        if "action" in metafunc.fixturenames:
            metafunc.parametrize("action", self.plugin.actions, ids=[each.name for each in self.plugin.actions])
        if "files" in metafunc.fixturenames:
            metafunc.parametrize("files", self.workspaces.values(), ids=self.workspaces.keys())

    def test_an_action_fits_one_of_the_workspaces(self, action: Action) -> None:
        """An action that fits nowhere is tested nowhere."""
        assert any(self._schema(action, files) is not None for files in self.workspaces.values()), (
            f"{action.name} fits none of {', '.join(self.workspaces)}; the tests need a workspace that it fits"
        )

    def test_arguments_of_its_schema_are_applied_or_refused(self, action: Action, files: Files) -> None:
        """Whatever a search draws, the action does not crash, and changes only what it declares."""
        for arguments, applied in self._all(action, files):
            outside = [path for path in applied.changed if not matches_any(path, action.writes)]
            assert not outside, f"{action.name}{arguments} changed {outside[0]}, outside its writes"

    def test_the_same_call_has_the_same_edits(self, action: Action, files: Files) -> None:
        """The host applies a call again in later trials and must get the same tree."""
        if not action.deterministic:
            raise unittest.SkipTest(f"{action.name} is declared as not deterministic")
        for arguments, applied in self._all(action, files):
            assert self._applied(action, files, arguments) == applied, f"{action.name}{arguments} changed its mind"

    def test_python_still_parses(self, action: Action, files: Files) -> None:
        """A file that could be parsed before can be parsed after."""
        for arguments, applied in self._all(action, files):
            for path in applied.changed:
                if path.endswith(".py") and path in applied.files and _parses(files.get(path, "")):
                    assert _parses(applied.files[path]), f"{action.name}{arguments} left {path} with a syntax error"

    def test_wrong_arguments_are_refused_by_name(self, action: Action, files: Files) -> None:
        """A rejection points at the argument, so that a model can mend its call."""
        schema = self._schema(action, files)
        if schema is None:
            return
        for bad in bad_values(schema, example(schema)):
            refused = self._refusal(action, files, bad.text)
            assert refused is not None, f"{action.name} took {bad.what}: {bad.text}"
            assert refused.notes[0].pointer == bad.pointer, f"{bad.what}: {refused}"

    def test_an_empty_workspace_does_no_harm(self, action: Action) -> None:
        """Files that an action reads may be missing in the repo of a user."""
        if check(action, {}, settings=self.settings).applicable:
            self._applied(action, {}, example(action.schema))

    def _all(self, action: Action, files: Files) -> Iterator[tuple[Mapping[str, Any], Applied]]:
        schema = self._schema(action, files)
        drawn = [] if schema is None else [example(schema), *samples(schema, SEED, self.samples)]
        for arguments in drawn:
            applied = self._applied(action, files, arguments)
            if applied is not None:
                yield arguments, applied

    def _applied(self, action: Action, files: Files, arguments: Mapping[str, Any]) -> Applied | None:
        try:
            return apply(action, files, settings=self.settings, **arguments)
        except (Rejected, Ask):  # what it does with an answer of the model is for tests of the author's own
            return None

    def _refusal(self, action: Action, files: Files, arguments: str) -> Rejected | None:
        try:
            apply_json(action, files, arguments, settings=self.settings)
        except Rejected as refused:
            return refused
        return None

    def _schema(self, action: Action, files: Files) -> Mapping[str, Any] | None:
        checked = check(action, files, settings=self.settings)
        if not checked.applicable:
            return None
        return action.schema if checked.schema is None else checked.schema


def _parses(source: str | bytes) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True
