"""Asks one plugin what its actions offer for a tree: within its time, and not twice for the same question.

A plugin that breaks while it is asked is reported as not applicable, so that one plugin cannot end a night.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nightlab.api.params import load_object, schema_digest, schema_problems
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.hosted import Hosted
from nightlab.controller.actions.model import Note, OfferedAction, effects_of
from nightlab.controller.actions.select import workspace
from nightlab.controller.errors import PluginError

MAX_NOTES: Final = 2000
REMEMBERED: Final = 4096
_EMPTY: Final[dict[str, Any]] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class View:
    """The files that an action is shown.

    Attributes:
        message: As it is sent.
        digest: Of all of the message.
        notes: On what was left out.
    """

    message: pb.Workspace
    digest: bytes
    notes: tuple[Note, ...]


class Views:
    """One tree as actions are shown it; actions that read the same files share a view."""

    def __init__(self, files: Mapping[str, bytes], entry_points: Sequence[str], tree_digest: str) -> None:
        """Take a tree.

        Args:
            files: All editable files of the tree.
            entry_points: Files that the training command starts.
            tree_digest: Lowercase hex.
        """
        self._tree = (files, tuple(entry_points), tree_digest)
        self._views: dict[tuple[str, tuple[str, ...]], View] = {}

    def of(self, hosted: Hosted, action: pb.Action) -> View:
        """Return what an action of a plugin is shown: what it declared to read, of what the user granted."""
        key = (hosted.grant.setting if hosted.grant else "", tuple(action.reads))
        if key not in self._views:
            files, entry_points, digest = self._tree
            shown = hosted.grant.shown(files) if hosted.grant else files
            message, notes = workspace(shown, action.reads, entry_points, digest)
            whole = hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
            self._views[key] = View(message, whole, notes)
        return self._views[key]


class Offers:
    """Answers of plugins on what fits, remembered by what was asked."""

    def __init__(self, states: Mapping[str, bytes], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without a memory.

        Args:
            states: Of plugins by name, read at each question.
            clock: In seconds.
        """
        self._states = states
        self._clock = clock
        self._known: OrderedDict[tuple[object, ...], OfferedAction] = OrderedDict()

    async def of(self, hosted: Hosted, actions: Sequence[pb.Action], views: Views) -> list[OfferedAction]:
        """Ask a plugin for each of its enabled actions.

        After a break, or when its answers took longer than one call may, the rest is not asked: no plugin delays a
        check by more than two of its calls and a start.
        """
        offers: list[OfferedAction] = []
        began, broken = self._clock(), False
        for action in actions:
            # nightlab's own wait for each other in one process, which is none of their fault
            late = hosted.grant is not None and self._clock() - began > hosted.worker.patience.call_s
            if late or (broken and not hosted.worker.quarantined):
                why = "broke at another action" if broken else "took longer than plugins.*.call_timeout for the others"
                offers.append(_unasked(hosted, action, f"it was not asked: plugin {hosted.name} {why}"))
                continue
            offer, broken = await self._offer(hosted, action, views.of(hosted, action))
            offers.append(offer)
        return offers

    async def _offer(self, hosted: Hosted, action: pb.Action, view: View) -> tuple[OfferedAction, bool]:
        state = self._states.get(hosted.name, b"")
        key = (hosted.name, hosted.digest, action.name, view.digest, hosted.settings, hashlib.sha256(state).digest())
        if hosted.is_fixed and not hosted.worker.quarantined and key in self._known:
            self._known.move_to_end(key)
            return self._known[key], False
        request = pb.CheckActionRequest(
            action=action.name, workspace=view.message, settings_json=hosted.settings, state=state
        )
        try:
            answer = await hosted.worker.check(request)
        except PluginError as error:
            return offered(
                hosted.name, action, _EMPTY, (Note("error", str(error)), *view.notes), applicable=False
            ), True
        offer = _read(hosted.name, action, answer, view.notes)
        self._remember(key, offer)
        return offer, False

    def _remember(self, key: tuple[object, ...], offer: OfferedAction) -> None:
        self._known[key] = offer
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def offered(
    plugin: str, action: pb.Action, schema: Mapping[str, Any], notes: tuple[Note, ...], *, applicable: bool
) -> OfferedAction:
    """Return what a plugin answered, as the study holds it."""
    description = action.description[:4096]
    digest, effects = schema_digest(schema), effects_of(action)
    return OfferedAction(plugin, action.name, schema, digest, notes, applicable, description, effects)


def problems_of(text: str) -> list[str]:
    """Say what keeps a schema's text from being used."""
    try:
        return [f"{each.pointer or '/'}: {each.summary}" for each in schema_problems(load_object(text))]
    except ValueError as error:
        return [str(error)]


def _read(plugin: str, action: pb.Action, answer: pb.CheckActionResponse, left_out: tuple[Note, ...]) -> OfferedAction:
    notes = (*map(Note.of, answer.diagnostics[:MAX_NOTES]), *left_out)
    text = answer.narrowed_schema or action.parameters_schema
    problems = problems_of(text) if text or answer.applicable else []
    if problems:
        wrong = Note("error", f"the schema that {plugin}/{action.name} offers is not usable: {problems[0]}")
        return offered(plugin, action, _EMPTY, (wrong, *notes), applicable=False)
    return offered(plugin, action, load_object(text) if text else _EMPTY, notes, applicable=answer.applicable)


def _unasked(hosted: Hosted, action: pb.Action, why: str) -> OfferedAction:
    return offered(hosted.name, action, _EMPTY, (Note("error", why),), applicable=False)
