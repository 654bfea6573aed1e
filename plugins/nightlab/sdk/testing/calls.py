"""Calls an action as the host does, in this process: the same messages and checks, and no socket."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc

from nightlab.api.globs import matches_any
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.action import Action, Checked, Note, Plugin, Severity
from nightlab.sdk.completion import Ask, Completion
from nightlab.sdk.observe import Outcome
from nightlab.sdk.service import PluginServicer

Files = Mapping[str, str | bytes]
_SEVERITY: dict[int, Severity] = {pb.SEVERITY_ERROR: "error", pb.SEVERITY_WARNING: "warning", pb.SEVERITY_NOTE: "note"}


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of an action.

    Attributes:
        files: All files after it, also those that it is not given; text where the file is UTF-8.
        changed: Paths that it wrote or deleted.
        summary: Its line for people.
    """

    files: Mapping[str, str]
    changed: tuple[str, ...]
    summary: str


class Rejected(Exception):
    """The action said no; or the host would, because a file is not among its `writes`.

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
    """
    request = pb.ApplyActionRequest(
        request_id="test",
        action=action.name,
        arguments_json=json.dumps(arguments),
        workspace=_workspace(action, files),
        seed=seed,
        state=state,
        settings_json=json.dumps(dict(settings or {})),
        completion=completion and pb.Completion(text=completion.text, resume=completion.resume),
    )
    response = _servicer(action).ApplyAction(request, Direct())
    if response.HasField("rejection"):
        raise Rejected([_note(each) for each in response.rejection.diagnostics])
    if response.HasField("needs_completion"):
        raise _ask(response.needs_completion)
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


def check(
    action: Action, files: Files, *, settings: Mapping[str, Any] | None = None, state: bytes = b""
) -> Checked:
    """Tell whether an action fits files; the notes say why not."""
    request = pb.CheckActionRequest(
        action=action.name,
        workspace=_workspace(action, files),
        state=state,
        settings_json=json.dumps(dict(settings or {})),
    )
    response = _servicer(action).CheckAction(request, Direct())
    schema = json.loads(response.narrowed_schema) if response.narrowed_schema else None
    return Checked(response.applicable, tuple(map(_note, response.diagnostics)), schema)


def observe(plugin: Plugin, outcomes: Sequence[Outcome], state: bytes = b"") -> bytes:
    """Fold outcomes into a plugin's state and return the new one.

    Raises:
        AssertionError: The plugin observes nothing, cannot use the state, or made one above 256 KiB.
    """
    request = pb.ObserveOutcomesRequest(state=state, outcomes=map(_outcome, outcomes))
    new: bytes = PluginServicer(plugin).ObserveOutcomes(request, Direct()).state
    return new


class Direct(grpc.ServicerContext):  # type: ignore[misc, unused-ignore]
    """The context of a call without a server; a broken call is an AssertionError with the status."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the call."""
        raise AssertionError(f"{code.name}: {details}")
