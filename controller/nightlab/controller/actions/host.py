"""What the study knows of plugins: ask what fits a tree, ask for edits. Workers, checks and limits are behind it.

A plugin that breaks while it is asked what it offers is reported as not applicable, so that one plugin cannot end a
night; one that breaks on an apply raises PluginError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from nightlab.api.params import load_object, schema_digest, schema_problems
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.apply import Bounds, checked_edits
from nightlab.controller.actions.model import AppliedEdits, Note, OfferedAction, effects_of
from nightlab.controller.actions.process import ProcessRuntime
from nightlab.controller.actions.registry import enabled
from nightlab.controller.actions.select import workspace
from nightlab.controller.actions.worker import PluginWorker
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError, PluginError
from nightlab.controller.model.trial import ActionCall

MAX_NOTES: Final = 2000
_EMPTY: Final[dict[str, Any]] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


class ActionHost:
    """The enabled plugins of a study, each in a worker of its own.

    Attributes:
        state_dir: The study's directory; workers get nothing of it.
    """

    def __init__(self, config: Config, *, state_dir: Path, workers: Mapping[str, PluginWorker] | None = None) -> None:
        self.state_dir = state_dir
        self._config = config
        self._settings = settings_json(config)
        self._enabled = enabled(config, dict.fromkeys(workers, "") if workers is not None else None)
        self._workers = workers or {
            each.plugin: PluginWorker(each.plugin, partial(ProcessRuntime, each.target)) for each in self._enabled
        }
        self._actions: dict[str, dict[str, pb.Action]] = {}

    async def open(self) -> None:
        """Start the workers and read their lists of actions.

        Raises:
            ConfigError: search.actions names an action that its plugin does not have.
            PluginError: A plugin does not start or lists what is not allowed.
        """
        for each in self._enabled:
            await self._list(each.plugin)
            unknown = sorted((each.actions or frozenset()) - self._actions[each.plugin].keys())
            if unknown:
                known = ", ".join(f"{each.plugin}/{name}" for name in self._actions[each.plugin])
                raise ConfigError(f"search.actions: {each.plugin}/{unknown[0]} does not exist; there is {known}")

    async def close(self) -> None:
        """End the workers."""
        for worker in self._workers.values():
            await worker.close()

    async def check(
        self, files: Mapping[str, bytes], entry_points: Sequence[str], tree_digest: str
    ) -> tuple[OfferedAction, ...]:
        """Ask every enabled action whether it fits a tree, and with which parameters.

        Args:
            files: All editable files of the tree.
            entry_points: Files that the training command starts.
            tree_digest: Lowercase hex.
        """
        return tuple(
            [
                await self._offer(plugin, action, files, entry_points, tree_digest)
                for plugin, actions in self._actions.items()
                for action in actions.values()
                if any(each.plugin == plugin and each.allows(action.name) for each in self._enabled)
            ]
        )

    async def apply(
        self,
        call: ActionCall,
        files: Mapping[str, bytes],
        entry_points: Sequence[str],
        tree_digest: str,
        *,
        request_id: str,
        seed: int,
    ) -> AppliedEdits:
        """Ask for the edits of a call and check them.

        Args:
            call: Which action, with which arguments.
            files: All editable files of the tree that is edited.
            entry_points: Files that the training command starts.
            tree_digest: Of that tree, lowercase hex.
            request_id: The same id with the same call has the same answer.
            seed: For free choices inside the action.

        Raises:
            PluginError: The plugin crashed, hung or broke its contract, or the call names no action of it.
        """
        action = self._find(call)
        message, _ = workspace(files, action.reads, entry_points, tree_digest)
        request = pb.ApplyActionRequest(
            request_id=request_id,
            action=call.action,
            arguments_json=json.dumps(dict(call.arguments), allow_nan=False),
            workspace=message,
            seed=seed,
            settings_json=self._settings,
        )
        response = await self._workers[call.plugin].apply(request)
        train = self._config.train
        return checked_edits(call.author, response, files, Bounds(action.writes, train.editable, train.protected))

    async def _list(self, plugin: str) -> None:
        actions = await self._workers[plugin].list_actions()
        for action in actions:
            problems = [] if action.schema_from_workspace else _problems(action.parameters_schema)
            if problems:
                raise PluginError(f"plugin {plugin}: the schema of {action.name[:60]!r} is not usable: {problems[0]}")
        self._actions[plugin] = {action.name: action for action in actions}

    async def _offer(
        self, plugin: str, action: pb.Action, files: Mapping[str, bytes], entry_points: Sequence[str], digest: str
    ) -> OfferedAction:
        message, left_out = workspace(files, action.reads, entry_points, digest)
        request = pb.CheckActionRequest(action=action.name, workspace=message, settings_json=self._settings)
        try:
            answer = await self._workers[plugin].check(request)
        except PluginError as error:
            return _offered(plugin, action, _EMPTY, (Note("error", str(error)), *left_out), applicable=False)
        notes = (*map(Note.of, answer.diagnostics[:MAX_NOTES]), *left_out)
        text = answer.narrowed_schema or action.parameters_schema
        problems = _problems(text) if text or answer.applicable else []
        if problems:
            wrong = Note("error", f"the schema that {plugin}/{action.name} offers is not usable: {problems[0]}")
            return _offered(plugin, action, _EMPTY, (wrong, *notes), applicable=False)
        return _offered(plugin, action, load_object(text) if text else _EMPTY, notes, applicable=answer.applicable)

    def _find(self, call: ActionCall) -> pb.Action:
        action = self._actions.get(call.plugin, {}).get(call.action)
        if action is None:
            known = ", ".join(f"{plugin}/{name}" for plugin, actions in self._actions.items() for name in actions)
            raise PluginError(f"there is no action {call.plugin}/{call.action}; there is {known or 'none'}")
        return action


def settings_json(config: Config) -> str:
    """Write the user's word on literals and files as the actions get it."""
    tunable = {
        name: word.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        for name, word in config.search.tunable.items()
    }
    return json.dumps(
        {
            "frozen": list(config.search.frozen),
            "tunable": tunable,
            "editable": list(config.train.editable),
            "protected": list(config.train.protected),
        },
        sort_keys=True,
    )


def _offered(
    plugin: str, action: pb.Action, schema: Mapping[str, Any], notes: tuple[Note, ...], *, applicable: bool
) -> OfferedAction:
    description = action.description[:4096]
    digest, effects = schema_digest(schema), effects_of(action)
    return OfferedAction(plugin, action.name, schema, digest, notes, applicable, description, effects)


def _problems(text: str) -> list[str]:
    try:
        return [f"{each.pointer or '/'}: {each.summary}" for each in schema_problems(load_object(text))]
    except ValueError as error:
        return [str(error)]
