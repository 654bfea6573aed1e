"""What the study knows of plugins: ask what fits a tree, ask for edits. Workers, checks and limits are behind it.

A plugin that cannot be used is left out and told of, as long as another one remains; one that breaks on an apply
raises PluginError.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.apply import Bounds, checked_edits
from nightlab.controller.actions.completing import Completing
from nightlab.controller.actions.hosted import Admission, Completer, Hosted, Open
from nightlab.controller.actions.model import AppliedEdits, OfferedAction
from nightlab.controller.actions.offers import Offers, Views, problems_of
from nightlab.controller.actions.own import own_workers, settings_json
from nightlab.controller.actions.registry import enabled
from nightlab.controller.actions.worker import PluginWorker
from nightlab.controller.config.schema import Config
from nightlab.controller.errors import ConfigError, PluginError
from nightlab.controller.model.trial import ActionCall

STATE_BYTES: Final = 256 * 1024
NO_STATES: Final[Mapping[str, bytes]] = MappingProxyType({})
log = structlog.get_logger(__name__)


class ActionHost:
    """The enabled plugins of a study.

    Attributes:
        state_dir: The study's directory; plugins get nothing of it.
        notices: What a person should know of plugins, a line each, in the order it happened. Made of untrusted texts.
        stopped: Why plugins are left out, by name.
    """

    def __init__(
        self,
        config: Config,
        *,
        state_dir: Path,
        workers: Mapping[str, PluginWorker] | None = None,
        hosted: Sequence[Hosted] | None = None,
        admission: Admission | None = None,
        states: Mapping[str, bytes] = NO_STATES,
        completer: Completer | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Plan; nothing is started yet.

        Args:
            config: Of the study.
            state_dir: The study's directory.
            workers: Workers by plugin that are used as nightlab's own; for plugins that need no grant.
            hosted: The plugins that `search.actions` names; None, as are workers: nightlab's own.
            admission: Who compares plugins with what was accepted of them; None: nobody.
            states: Of plugins by name, read at each call.
            completer: Asks the study's language model for a plugin.
            tell: Is called with each notice.
        """
        self.state_dir = state_dir
        self.notices: list[str] = []
        self.stopped: dict[str, str] = {}
        self._config = config
        if hosted is None:
            hosted = [
                Hosted(each, settings=settings_json(config)) for each in (workers or own_workers(config)).values()
            ]
        self._hosted = {each.name: each for each in hosted}
        self._enabled = enabled(config, self._hosted.keys())
        self._admission = admission or Open()
        self._states = states
        self._completing = Completing(completer)
        self._tell = tell
        self._offers = Offers(states)
        self._actions: dict[str, dict[str, pb.Action]] = {}

    async def open(self) -> None:
        """Start the plugins and read their lists of actions.

        Raises:
            ConfigError: search.actions names an action that its plugin does not have.
            PluginError: No plugin is left of those that are enabled; the text is of the first one.
        """
        listings = await asyncio.gather(*(self._listing(each.plugin) for each in self._enabled))
        failures = [listing for listing in listings if isinstance(listing, PluginError)]
        for each, listing in zip(self._enabled, listings, strict=True):
            if isinstance(listing, PluginError):
                self._stop(each.plugin, str(listing))
                continue
            self._actions[each.plugin] = listing
            self._tell_lacking(each.plugin)
            unknown = sorted((each.actions or frozenset()) - listing.keys())
            if unknown:
                known = ", ".join(f"{each.plugin}/{name}" for name in listing)
                raise ConfigError(f"search.actions: {each.plugin}/{unknown[0]} does not exist; there is {known}")
        if failures and not self._actions:
            raise failures[0]

    async def close(self) -> None:
        """End the plugins."""
        await asyncio.gather(*(each.worker.close() for each in self._hosted.values()))

    def available(self) -> frozenset[str]:
        """Return names of the plugins that can be asked now; ask again before each proposal.

        A plugin leaves when it broke too often, and does not come back in the same night.
        """
        self._watch()
        return frozenset(name for name in self._actions if name not in self.stopped)

    def learners(self) -> frozenset[str]:
        """Return names of the plugins that can be asked now and want to be told how trials ended."""
        return frozenset(name for name in self.available() if self._hosted[name].worker.has(pb.FEATURE_OBSERVE))

    def identities(self) -> dict[str, tuple[str, str]]:
        """Return what each plugin calls its version (untrusted) and the digest of what it is made of, by name."""
        return {name: (hosted.worker.version, hosted.digest) for name, hosted in self._hosted.items()}

    def actions(self) -> dict[str, dict[str, pb.Action]]:
        """Return what the plugins list, enabled or not, by plugin and by name. Texts are untrusted."""
        return {plugin: dict(actions) for plugin, actions in self._actions.items()}

    async def check(
        self, files: Mapping[str, bytes], entry_points: Sequence[str], tree_digest: str
    ) -> tuple[OfferedAction, ...]:
        """Ask every enabled action whether it fits a tree, and with which parameters; plugins side by side.

        Args:
            files: All editable files of the tree.
            entry_points: Files that the training command starts.
            tree_digest: Lowercase hex.
        """
        views = Views(files, entry_points, tree_digest)
        asked = [(self._hosted[plugin], self._allowed(plugin)) for plugin in self._actions]
        answers = await asyncio.gather(*(self._offers.of(hosted, actions, views) for hosted, actions in asked))
        self._watch()
        return tuple(offer for offers in answers for offer in offers)

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
        action, hosted = self._find(call), self._hosted[call.plugin]
        request = pb.ApplyActionRequest(
            request_id=request_id,
            action=call.action,
            arguments_json=json.dumps(dict(call.arguments), allow_nan=False),
            workspace=Views(files, entry_points, tree_digest).of(hosted, action).message,
            seed=seed,
            settings_json=hosted.settings,
            state=self._states.get(call.plugin, b""),
        )
        train = self._config.train
        bounds = Bounds(action.writes, train.editable, train.protected, hosted.grant)
        try:
            response = await self._completing.apply(hosted, request)
            return await self._checked(hosted, call, response, files, bounds)
        finally:
            self._watch()

    async def observe(self, plugin: str, outcomes: Sequence[pb.Outcome], state: bytes) -> bytes:
        """Let a plugin fold outcomes into its state.

        Returns:
            The new state, to be stored; the old one if the plugin does not learn or is left out.

        Raises:
            PluginError: The plugin broke, or its state is larger than it was granted.
        """
        if plugin not in self.learners():
            return state
        hosted = self._hosted[plugin]
        try:
            answer = await hosted.worker.observe(pb.ObserveOutcomesRequest(outcomes=outcomes, state=state))
        finally:
            self._watch()
        limit = hosted.grant.state_bytes if hosted.grant else STATE_BYTES
        if len(answer.state) > limit:
            raise PluginError(f"plugin {plugin} wants {len(answer.state)} bytes of state kept; it may have {limit}")
        return answer.state

    async def _listing(self, plugin: str) -> dict[str, pb.Action] | PluginError:
        worker = self._hosted[plugin].worker
        try:
            self._admission.before(plugin)
            actions = await worker.list_actions()
            for action in actions:
                problems = [] if action.schema_from_workspace else problems_of(action.parameters_schema)
                if problems:
                    name = action.name[:60]
                    raise PluginError(f"plugin {plugin}: the schema of {name!r} is not usable: {problems[0]}")
            self._admission.listed(plugin, worker.version, actions)
        except PluginError as error:
            return error
        return {action.name: action for action in actions}

    async def _checked(
        self,
        hosted: Hosted,
        call: ActionCall,
        response: pb.ApplyActionResponse,
        files: Mapping[str, bytes],
        bounds: Bounds,
    ) -> AppliedEdits:
        try:
            return checked_edits(call.author, response, files, bounds)
        except PluginError as error:
            await hosted.worker.refuse(str(error))
            raise

    def _allowed(self, plugin: str) -> list[pb.Action]:
        (rule,) = (each for each in self._enabled if each.plugin == plugin)
        return [action for action in self._actions[plugin].values() if rule.allows(action.name)]

    def _tell_lacking(self, plugin: str) -> None:
        grant, actions = self._hosted[plugin].grant, self._allowed(plugin)
        if grant is None:
            return
        lacking = grant.lacks((g for a in actions for g in a.reads), (g for a in actions for g in a.writes))
        if lacking:
            asked = ", ".join(lacking[:10])
            self.note(f"plugin {plugin} asks for more than {grant.setting} grants: {asked}; it works within the grant")

    def _watch(self) -> None:
        for name, hosted in self._hosted.items():
            if hosted.worker.quarantined and name not in self.stopped:
                self._stop(name, f"broke {hosted.worker.breaks} times within an hour and is left out for the night")

    def _stop(self, plugin: str, why: str) -> None:
        self.stopped[plugin] = why
        log.warning("plugin.stopped", plugin=plugin, why=why)
        self.note(f"plugin {plugin} is left out: {why}")

    def note(self, text: str) -> None:
        """Add a notice."""
        self.notices.append(text)
        self._tell(text)

    def _find(self, call: ActionCall) -> pb.Action:
        action = self._actions.get(call.plugin, {}).get(call.action)
        if action is None:
            known = ", ".join(f"{plugin}/{name}" for plugin, actions in self._actions.items() for name in actions)
            raise PluginError(f"there is no action {call.plugin}/{call.action}; there is {known or 'none'}")
        return action
