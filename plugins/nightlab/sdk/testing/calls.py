"""Calls an action as the host does, in this process: the same messages and checks, and no socket."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import grpc

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.action import Action, Checked, Note, Plugin
from nightlab.sdk.completion import Ask, Completion
from nightlab.sdk.observe import Outcome
from nightlab.sdk.service import PluginServicer
from nightlab.sdk.testing import messages
from nightlab.sdk.testing.messages import Files


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of an action.

    Attributes:
        files: All files after it, also those that it is not given; text where the file is UTF-8.
        changed: Paths that it wrote or deleted, sorted.
        summary: Its line for people.
    """

    files: Mapping[str, str | bytes]
    changed: tuple[str, ...]
    summary: str


class Rejected(Exception):
    """The action said no to its arguments or to the files.

    Attributes:
        notes: Why, with pointers.
    """

    def __init__(self, notes: Sequence[Note]) -> None:
        super().__init__("; ".join(f"{note.pointer}: {note.summary}".removeprefix(": ") for note in notes))
        self.notes = tuple(notes)


def apply(
    action: Action,
    files: Files,
    *,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    state: bytes = b"",
    completion: Completion | None = None,
    **arguments: Any,
) -> Applied:
    """Apply an action to files.

    Args:
        action: Of any kind.
        files: Contents by path; the action is given those that it reads.
        settings: The user's settings for it.
        seed: For its free choices.
        state: What its plugin learned.
        completion: The model's answer to what it asked.
        **arguments: Its parameters; defaults are filled in.

    Raises:
        Rejected: The arguments or the files do not fit.
        Ask: It needs the model first.
        BrokenCall: It crashed, or changed a file that is not among its `writes`.
    """
    return apply_json(
        action, files, json.dumps(arguments), settings=settings, seed=seed, state=state, completion=completion
    )


def apply_json(
    action: Action,
    files: Files,
    arguments: str,
    *,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    state: bytes = b"",
    completion: Completion | None = None,
) -> Applied:
    """Apply an action with arguments as the text that the host sends; see `apply`."""
    request = pb.ApplyActionRequest(
        request_id="test",
        action=action.name,
        arguments_json=arguments,
        workspace=messages.workspace(action, files),
        seed=seed,
        state=state,
        settings_json=json.dumps(dict(settings or {})),
        completion=pb.Completion(text=completion.text, resume=completion.resume) if completion else None,
    )
    response = _servicer(action).ApplyAction(request, _context())
    if response.HasField("rejection"):
        raise Rejected([messages.note(each) for each in response.rejection.diagnostics])
    if response.HasField("needs_completion"):
        raise messages.question(response.needs_completion)
    return _applied(files, response.edits)


def ask(action: Action, files: Files, **arguments: Any) -> Ask:
    """Return what an action asks the model for, with the arguments of `apply`.

    Raises:
        AssertionError: It asks nothing.
    """
    try:
        apply(action, files, **arguments)
    except Ask as question:
        return question
    raise AssertionError(f"{action.name} made edits and asked nothing")


def check(action: Action, files: Files, *, settings: Mapping[str, Any] | None = None, state: bytes = b"") -> Checked:
    """Tell whether an action fits files; the notes say why not.

    Raises:
        BrokenCall: It crashed.
    """
    request = pb.CheckActionRequest(
        action=action.name,
        workspace=messages.workspace(action, files),
        state=state,
        settings_json=json.dumps(dict(settings or {})),
    )
    response = _servicer(action).CheckAction(request, _context())
    schema = json.loads(response.narrowed_schema) if response.narrowed_schema else None
    return Checked(response.applicable, tuple(map(messages.note, response.diagnostics)), schema)


def observe(plugin: Plugin, outcomes: Sequence[Outcome], state: bytes = b"") -> bytes:
    """Fold outcomes into a plugin's state and return the new one.

    Raises:
        BrokenCall: The plugin observes nothing, cannot use the state, or made one above 256 KiB.
    """
    told = [messages.outcome(each, json.dumps(dict(each.arguments))) for each in outcomes]
    request = pb.ObserveOutcomesRequest(state=state, outcomes=told)
    return PluginServicer(plugin).ObserveOutcomes(request, _context()).state


def _context() -> grpc.ServicerContext:
    return cast(grpc.ServicerContext, messages.Direct())  # the service only aborts


def _servicer(action: Action) -> PluginServicer:
    return PluginServicer(Plugin("under-test", "0", (action,)))


def _applied(files: Files, edits: pb.EditSet) -> Applied:
    after = messages.edited(files, edits.edits)
    return Applied(
        {path: _readable(content) for path, content in after.items()},
        tuple(sorted(edit.path for edit in edits.edits)),
        edits.summary,
    )


def _readable(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
