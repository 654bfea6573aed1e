"""What a call in a test is made of: messages out of dictionaries, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import grpc

from nightlab.api.globs import matches_any
from nightlab.api.params import load_object
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.sdk.action import Action, Note, Severity
from nightlab.sdk.completion import Ask
from nightlab.sdk.observe import Outcome

Files = Mapping[str, str | bytes]
_SEVERITY: Final[Mapping[int, Severity]] = {
    pb.SEVERITY_ERROR: "error",
    pb.SEVERITY_WARNING: "warning",
    pb.SEVERITY_NOTE: "note",
}
_STATUS: Final = {
    "succeeded": pb.OUTCOME_STATUS_SUCCEEDED,
    "failed": pb.OUTCOME_STATUS_FAILED,
    "timed_out": pb.OUTCOME_STATUS_TIMED_OUT,
    "pruned": pb.OUTCOME_STATUS_PRUNED,
    "infeasible": pb.OUTCOME_STATUS_INFEASIBLE,
}


class BrokenCall(AssertionError):
    """The call would have failed with a status, which counts against a plugin; the cause is chained to it."""


class Direct:
    """The context of a call without a server."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the call.

        Raises:
            BrokenCall: Always.
        """
        raise BrokenCall(f"{code.name}: {details}")


def as_bytes(files: Files) -> dict[str, bytes]:
    """Return contents as a workspace has them."""
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}


def workspace(action: Action, files: Files) -> pb.Workspace:
    """Return the files that an action reads, as the host sends them."""
    read = {path: content for path, content in as_bytes(files).items() if matches_any(path, action.reads)}
    missing = [glob for glob in action.reads if not any(matches_any(path, [glob]) for path in read)]
    return pb.Workspace(
        files=[pb.File(path=path, content=content) for path, content in sorted(read.items())],
        missing_globs=missing,
        entry_points=[path for path in sorted(read) if path.endswith(".py")][:1],
    )


def edited(files: Files, edits: Sequence[pb.FileEdit]) -> dict[str, bytes]:
    """Return all files after edits."""
    after = as_bytes(files)
    for edit in edits:
        if edit.delete:
            del after[edit.path]
        else:
            after[edit.path] = edit.write
    return after


def note(diagnostic: pb.Diagnostic) -> Note:
    """Return a note as the action wrote it."""
    severity = _SEVERITY.get(diagnostic.severity, "note")
    return Note(severity, diagnostic.summary, diagnostic.detail, diagnostic.pointer)


def question(request: pb.CompletionRequest) -> Ask:
    """Return what an action raised."""
    schema: Mapping[str, Any] | None = load_object(request.response_schema) if request.response_schema else None
    return Ask(
        request.prompt,
        max_output_tokens=request.max_output_tokens,
        response_schema=schema,
        resume=request.resume,
    )


def outcome(told: Outcome, arguments_json: str) -> pb.Outcome:
    """Return an outcome as the host tells it."""
    return pb.Outcome(
        trial_id=told.trial_id,
        action=told.action,
        arguments_json=arguments_json,
        status=_STATUS.get(told.status, pb.OUTCOME_STATUS_UNSPECIFIED),
        metrics=dict(told.metrics),
        baseline_delta=told.gain,
    )
