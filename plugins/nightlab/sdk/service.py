"""Serves a plugin's actions over nightlab.api.plugin.v1.

Bad arguments and unmet preconditions become data in the response; a bug in an action becomes INTERNAL with an id, and
its traceback goes to the log, never to the peer.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeVar

import grpc

from nightlab.api.globs import matches_any
from nightlab.api.params import Problem, argument_problems, complete, load_object
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.api.plugin.v1 import plugin_pb2_grpc
from nightlab.sdk.action import Action, Checked, Context, Note, Plugin, Unmet
from nightlab.sdk.completion import Ask, Completion
from nightlab.sdk.edits import Edits
from nightlab.sdk.observe import BadState, LimitExceeded, Outcome, Status, checked_state

SDK: Final = "nightlab-sdk/0.1.0"
_PAGE: Final = 100
_SEVERITY: Final = {"error": pb.SEVERITY_ERROR, "warning": pb.SEVERITY_WARNING, "note": pb.SEVERITY_NOTE}
_DIRECTION: Final = {"down": pb.DIRECTION_DOWN, "up": pb.DIRECTION_UP}
_STATUS: Final[dict[int, Status]] = {
    pb.OUTCOME_STATUS_SUCCEEDED: "succeeded",
    pb.OUTCOME_STATUS_FAILED: "failed",
    pb.OUTCOME_STATUS_TIMED_OUT: "timed_out",
    pb.OUTCOME_STATUS_PRUNED: "pruned",
    pb.OUTCOME_STATUS_INFEASIBLE: "infeasible",
}
_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class PluginServicer(plugin_pb2_grpc.ActionPluginServiceServicer):
    """Answers the host's calls for one plugin."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin

    def GetPluginInfo(  # noqa: N802 - gRPC's name
        self, request: pb.GetPluginInfoRequest, context: grpc.ServicerContext
    ) -> pb.GetPluginInfoResponse:
        """Say who answers."""
        plugin = self._plugin
        return pb.GetPluginInfoResponse(name=plugin.name, version=plugin.version, sdk=SDK, features=_features(plugin))

    def ListActions(  # noqa: N802
        self, request: pb.ListActionsRequest, context: grpc.ServicerContext
    ) -> pb.ListActionsResponse:
        """List one page of actions; the token is the number of the first."""
        if request.page_token and not request.page_token.isdecimal():
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "page_token is not one of this plugin")
        first, size = int(request.page_token or 0), min(request.page_size or _PAGE, _PAGE)
        page = self._plugin.actions[first : first + max(size, 1)]
        more = first + len(page) < len(self._plugin.actions)
        token = str(first + len(page)) if more else ""
        return pb.ListActionsResponse(actions=map(_action_message, page), next_page_token=token)

    def CheckAction(  # noqa: N802
        self, request: pb.CheckActionRequest, context: grpc.ServicerContext
    ) -> pb.CheckActionResponse:
        """Tell whether an action fits the workspace."""
        return _guarded(context, lambda: self._check(request))

    def ApplyAction(  # noqa: N802
        self, request: pb.ApplyActionRequest, context: grpc.ServicerContext
    ) -> pb.ApplyActionResponse:
        """Turn arguments into edits."""
        return _guarded(context, lambda: self._apply(request))

    def ObserveOutcomes(  # noqa: N802
        self, request: pb.ObserveOutcomesRequest, context: grpc.ServicerContext
    ) -> pb.ObserveOutcomesResponse:
        """Fold outcomes into the state, if the plugin learns at all."""
        return _guarded(context, lambda: self._observe(request))

    def _observe(self, request: pb.ObserveOutcomesRequest) -> pb.ObserveOutcomesResponse:
        if self._plugin.observe is None:
            raise _Refused(grpc.StatusCode.UNIMPLEMENTED, f"{self._plugin.name} has no FEATURE_OBSERVE")
        state = self._plugin.observe(request.state, [_outcome(each) for each in request.outcomes])
        return pb.ObserveOutcomesResponse(state=checked_state(state))

    def _check(self, request: pb.CheckActionRequest) -> pb.CheckActionResponse:
        action = self._find(request.action)
        try:
            call = Context(_settings(request.settings_json), state=request.state)
            checked = action.check(_workspace(request.workspace), call)
        except Unmet as unmet:
            checked = Checked(applicable=False, notes=unmet.notes)
        return pb.CheckActionResponse(
            applicable=checked.applicable,
            diagnostics=map(_diagnostic, checked.notes),
            narrowed_schema="" if checked.schema is None else json.dumps(checked.schema, allow_nan=False),
        )

    def _apply(self, request: pb.ApplyActionRequest) -> pb.ApplyActionResponse:
        action = self._find(request.action)
        ws = _workspace(request.workspace)
        try:
            summary = action.apply(ws, _arguments(action, request.arguments_json), _context(request))
        except Unmet as unmet:
            return pb.ApplyActionResponse(rejection=pb.Rejection(diagnostics=map(_diagnostic, unmet.notes)))
        except Ask as ask:
            return pb.ApplyActionResponse(needs_completion=_question(action, ask))
        edits = [_edit(action, ws, path, new) for path, new in ws.changes().items()]
        return pb.ApplyActionResponse(edits=pb.EditSet(edits=edits, summary=summary))

    def _find(self, name: str) -> Action:
        action = self._plugin.find(name)
        if action is None:
            raise _Refused(grpc.StatusCode.NOT_FOUND, f"{self._plugin.name} has no action {name!r}")
        return action


class _Refused(Exception):
    """A broken call, as a status."""

    def __init__(self, status: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.status = status


def problem_note(problem: Problem) -> Note:
    """Turn a problem of arguments into an error that says what was allowed."""
    return Note("error", problem.summary, f"allowed: {problem.allowed}", problem.pointer)


def _arguments(action: Action, text: str) -> Mapping[str, Any]:
    try:
        arguments = load_object(text or "{}")
    except ValueError as error:
        raise Unmet(f"the arguments are not a JSON object: {error}") from error
    if action.schema_from_workspace:
        return arguments
    problems = argument_problems(action.schema, arguments)
    if problems:
        first, *more = map(problem_note, problems)
        raise Unmet(first.summary, detail=first.detail, pointer=first.pointer, more=more)
    return complete(action.schema, arguments)


def _settings(text: str) -> Mapping[str, Any]:
    try:
        return load_object(text or "{}")
    except ValueError as error:
        raise Unmet(f"the settings are not a JSON object: {error}") from error


def _context(request: pb.ApplyActionRequest) -> Context:
    answer = request.completion
    completion = Completion(answer.text, answer.resume) if request.HasField("completion") else None
    return Context(_settings(request.settings_json), request.seed, request.request_id, request.state, completion)


def _question(action: Action, ask: Ask) -> pb.CompletionRequest:
    if not action.asks:
        raise TypeError(f"action {action.name} raised Ask without asks=True, so the host was not told that it may")
    schema = "" if ask.response_schema is None else json.dumps(ask.response_schema, allow_nan=False)
    return pb.CompletionRequest(
        prompt=ask.prompt, response_schema=schema, max_output_tokens=ask.max_output_tokens, resume=ask.resume
    )


def _features(plugin: Plugin) -> list[pb.Feature]:
    observes = [pb.FEATURE_OBSERVE] if plugin.observe is not None else []
    return observes + ([pb.FEATURE_COMPLETION] if any(each.asks for each in plugin.actions) else [])


def _outcome(message: pb.Outcome) -> Outcome:
    return Outcome(
        trial_id=message.trial_id,
        action=message.action,
        arguments=load_object(message.arguments_json or "{}"),
        status=_STATUS.get(message.status, ""),
        metrics=dict(message.metrics),
        gain=message.baseline_delta,
    )


def _workspace(message: pb.Workspace) -> Edits:
    return Edits(
        {file.path: file.content for file in message.files},
        entry_points=message.entry_points,
        missing_globs=message.missing_globs,
        digest=message.digest,
    )


def _edit(action: Action, ws: Edits, path: str, new: bytes | None) -> pb.FileEdit:
    if not matches_any(path, action.writes):
        raise ValueError(f"action {action.name} changed {path}, which is outside its writes {list(action.writes)}")
    base = ws.base(path)
    sha256 = "" if base is None else hashlib.sha256(base).hexdigest()
    if new is None:
        return pb.FileEdit(path=path, base_sha256=sha256, delete=True)
    return pb.FileEdit(path=path, base_sha256=sha256, write=new)


def _action_message(action: Action) -> pb.Action:
    return pb.Action(
        name=action.name,
        title=action.title,
        description=action.description,
        parameters_schema=json.dumps(action.schema, allow_nan=False),
        reads=action.reads,
        writes=action.writes,
        deterministic=action.deterministic,
        schema_from_workspace=action.schema_from_workspace,
        effects=[pb.Effect(quantity=each.quantity, direction=_DIRECTION[each.direction]) for each in action.effects],
    )


def _diagnostic(note: Note) -> pb.Diagnostic:
    return pb.Diagnostic(
        severity=_SEVERITY[note.severity], summary=note.summary, detail=note.detail, pointer=note.pointer
    )


def _guarded(context: grpc.ServicerContext, call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except _Refused as refused:
        _abort(context, refused.status, str(refused))
    except LimitExceeded as error:
        _abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
    except BadState as error:
        _abort(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))
    except Exception:
        incident = uuid.uuid4().hex[:12]
        _log.exception("incident %s", incident)
        _abort(context, grpc.StatusCode.INTERNAL, f"the plugin failed; its log has incident {incident}")


def _abort(context: grpc.ServicerContext, status: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(status, message)
    raise AssertionError("abort raises")
