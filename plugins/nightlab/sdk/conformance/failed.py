"""Calls that ended without an answer, each with what its author can do about it."""

from __future__ import annotations

from typing import Final

import grpc

from nightlab.sdk.conformance.target import CallError
from nightlab.sdk.conformance.verdict import Broken

_REMEDY: Final = {
    grpc.StatusCode.UNAVAILABLE: "the process ended; catch what went wrong, and keep the process",
    grpc.StatusCode.DEADLINE_EXCEEDED: "answer sooner; long work belongs into the trial, not into the plugin",
    grpc.StatusCode.INVALID_ARGUMENT: "bad arguments are a Rejection in the response, not a status",
    grpc.StatusCode.NOT_FOUND: "this action is in the list of actions; answer for it",
    grpc.StatusCode.UNIMPLEMENTED: "serve nightlab.api.plugin.v1.ActionPluginService with this call",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "stay under 4 MiB a message and take messages of that size",
}


class CallFailed(Broken):
    """A call that ended with a status instead of an answer.

    Attributes:
        code: gRPC's status.
    """

    def __init__(self, what: str, error: CallError) -> None:
        remedy = _REMEDY.get(error.code, "answer with a Rejection, or mend the bug that the plugin's log shows")
        super().__init__(f"{what} ended with {error}; {remedy}")
        self.code = error.code


def no_answer(error: CallError, start_s: float, last_words: str) -> str:
    """Say why a start failed: the plugin's last words, and what to do."""
    said = f"; its last words: {last_words[-300:]}" if last_words else ""
    return (
        f"the plugin gave no first answer within {start_s:g} s ({error}){said}; bind the Unix socket that "
        "NIGHTLAB_PLUGIN_SOCKET names and serve nightlab.api.plugin.v1.ActionPluginService on it"
    )
