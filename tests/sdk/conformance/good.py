"""A plugin that keeps every promise, optional ones too. The broken ones are this one with one promise broken."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from concurrent import futures
from typing import Annotated, Any, ClassVar

import grpc

from nightlab.api.params import argument_problems, load_object
from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.api.plugin.v1 import plugin_pb2_grpc
from nightlab.sdk import Bool, Choice, Edits, Effect, Float, Int, Plugin, PluginServicer, Text, action

VARIABLE = "NIGHTLAB_PLUGIN_SOCKET"


@action(reads=["config.yaml"], effects=[Effect("peak_memory", "down")])
def set_norm(
    ws: Edits,
    eps: Annotated[float, Float(1e-8, 1e-4, log=True)] = 1e-6,
    heads: Annotated[int, Int(2, 8, step=2)] = 4,
    norm: Annotated[str, Choice("rms", "layer")] = "rms",
    bias: Annotated[bool, Bool()] = False,
) -> None:
    """Set the kind of the norm."""
    ws.sub("config.yaml", r"(?m)^norm:[^\r\n]*", f"norm: {norm}  # eps={eps:g} {heads} {bias}")


@action(reads=["model.py", "train.py"], writes=["model.py"])
def set_width(ws: Edits, width: Annotated[int, Int(16, 512)], note: Annotated[str, Text(200)] = "") -> None:
    """Set the width of the model."""
    ws.sub("model.py", r"hidden: int = \d+", f"hidden: int = {width}{'  ' if note else ''}")


@action(reads=["config.yaml"])
def ask_model(ws: Edits) -> None:
    """Let a language model choose the width."""
    ws.text("config.yaml")


NARROWED = set_width.schema | {
    "properties": set_width.schema["properties"] | {"width": set_width.schema["properties"]["width"] | {"maximum": 256}}
}
WANTED = {
    "type": "object",
    "properties": {"hidden": {"type": "integer", "minimum": 16, "maximum": 512}},
    "required": ["hidden"],
    "additionalProperties": False,
}


class Good(PluginServicer):
    """Three actions, a fold over outcomes, a question to the model."""

    options: ClassVar[tuple[tuple[str, int], ...]] = ()
    actions: ClassVar[tuple[Any, ...]] = (set_norm, set_width, ask_model)

    def __init__(self) -> None:
        super().__init__(Plugin("example-good", "1.0", self.actions))

    def GetPluginInfo(self, request, context):
        return pb.GetPluginInfoResponse(
            name="example-good", version="1.0", features=[pb.FEATURE_OBSERVE, pb.FEATURE_COMPLETION]
        )

    def CheckAction(self, request, context):
        self.trials(request.state, context)
        answer = super().CheckAction(request, context)
        if request.action == "set_width":
            answer.narrowed_schema = json.dumps(NARROWED)
        return answer

    def ApplyAction(self, request, context):
        self.trials(request.state, context)
        answer = super().ApplyAction(request, context)
        if request.action != "ask_model" or answer.WhichOneof("result") != "edits":
            return answer
        if not request.HasField("completion"):
            question = pb.CompletionRequest(prompt="How wide?", response_schema=json.dumps(WANTED), resume=b"asked")
            question.max_output_tokens = 64
            return pb.ApplyActionResponse(needs_completion=question)
        return self.told(request, context)

    def told(self, request, context):
        if request.completion.resume != b"asked":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not what this plugin handed over")
        try:
            said = load_object(request.completion.text)
        except ValueError as error:
            return rejection(f"the model's answer {error}")
        if argument_problems(WANTED, said):
            return rejection("the model's answer is not what was asked for")
        file = request.workspace.files[0]
        edit = pb.FileEdit(path=file.path, base_sha256=file.sha256, write=file.content + b"# wide\n")
        return pb.ApplyActionResponse(edits=pb.EditSet(edits=[edit], summary="chosen by the model"))

    def ObserveOutcomes(self, request, context):
        seen = self.trials(request.state, context) | {each.trial_id for each in request.outcomes}
        return pb.ObserveOutcomesResponse(state=json.dumps(sorted(seen)).encode())

    def trials(self, state: bytes, context: grpc.ServicerContext) -> set[str]:
        try:
            return set(json.loads(state or b"[]"))
        except ValueError:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not a state of this plugin")
            raise

    @classmethod
    def main(cls) -> None:
        if VARIABLE not in os.environ:
            sys.exit(f"example-good is a nightlab plugin: the host starts it and sets {VARIABLE}")
        cls.serve()

    @classmethod
    def serve(cls) -> None:
        server = grpc.server(futures.ThreadPoolExecutor(4), options=cls.options)
        plugin_pb2_grpc.add_ActionPluginServiceServicer_to_server(cls(), server)
        server.add_insecure_port(f"unix:{os.environ[VARIABLE]}")
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        server.start()
        ended.wait()
        server.stop(0.2).wait()


def rejection(summary: str) -> pb.ApplyActionResponse:
    note = pb.Diagnostic(severity=pb.SEVERITY_ERROR, summary=summary)
    return pb.ApplyActionResponse(rejection=pb.Rejection(diagnostics=[note]))
