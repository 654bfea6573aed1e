"""Plugins that break on input that they cannot use."""

import json

import grpc
from tests.sdk.conformance.broken.breaking import breaks
from tests.sdk.conformance.broken.editing import Editing
from tests.sdk.conformance.good import NARROWED, Good, rejection

from nightlab.api.plugin.v1 import plugin_pb2 as pb


class Peeking(Good):
    """Looks at a request before it is answered."""

    def ApplyAction(self, request, context):
        if request.action != "ask_model":
            self.peek(request)
        return super().ApplyAction(request, context)

    def peek(self, request):
        """Look."""


class Replacing(Good):
    """Answers some requests in its own way."""

    def ApplyAction(self, request, context):
        return self.own(request, context) or super().ApplyAction(request, context)

    def own(self, request, context):
        """Answer, or leave it."""


@breaks("random-arguments", "UNKNOWN")
class AfraidOfSmall(Peeking):
    def peek(self, request):
        assert json.loads(request.arguments_json).get("eps", 1) > 1e-7


@breaks("random-arguments", "without a pointer")
class Capricious(Replacing):
    def own(self, request, context):
        return rejection("not today") if json.loads(request.arguments_json).get("heads", 4) > 6 else None


@breaks("bad-arguments", "validate arguments and reject these")
class Clamping(Replacing):
    def own(self, request, context):
        arguments = json.loads(request.arguments_json)
        if isinstance(arguments.get("eps"), float):
            arguments["eps"] = min(max(arguments["eps"], 1e-8), 1e-4)
        request.arguments_json = json.dumps(arguments)


@breaks("bad-arguments", "answer with a Rejection")
class ByStatus(Good):
    def ApplyAction(self, request, context):
        answer = super().ApplyAction(request, context)
        if answer.WhichOneof("result") == "rejection":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad arguments")
        return answer


@breaks("bad-arguments", "set pointer to")
class Pointless(Good):
    def ApplyAction(self, request, context):
        answer = super().ApplyAction(request, context)
        for each in answer.rejection.diagnostics:
            each.pointer = ""
        return answer


@breaks("bad-arguments", "does not say what is allowed")
class Terse(Good):
    def ApplyAction(self, request, context):
        answer = super().ApplyAction(request, context)
        for each in answer.rejection.diagnostics:
            each.detail = ""
        return answer


@breaks("bad-json", "UNKNOWN")
class Parsing(Peeking):
    def peek(self, request):
        json.loads(request.arguments_json)


@breaks("bad-json", "NaN, which is no JSON")
class NotANumber(Replacing):
    def own(self, request, context):
        request.arguments_json = request.arguments_json.replace("NaN", "1e-6")


@breaks("narrowed-schema", "parameters_schema does not")
class Widening(Good):
    def CheckAction(self, request, context):
        answer = super().CheckAction(request, context)
        if request.action == "set_width":
            width = NARROWED["properties"]["width"] | {"maximum": 1024}
            answer.narrowed_schema = json.dumps(NARROWED | {"properties": NARROWED["properties"] | {"width": width}})
        return answer


@breaks("narrowed-schema", "maximum is missing")
class Unbounded(Good):
    def CheckAction(self, request, context):
        answer = super().CheckAction(request, context)
        if request.workspace.entry_points:
            answer.narrowed_schema = json.dumps(NARROWED | {"properties": {"width": {"type": "integer"}}})
        return answer


@breaks("missing-files", "UNKNOWN")
class Expecting(Peeking):
    def peek(self, request):
        assert request.action != "set_width" or len(request.workspace.files) == 2


@breaks("empty-workspace", "UNKNOWN")
class Hungry(Peeking):
    def peek(self, request):
        max(file.path for file in request.workspace.files)


@breaks("not-utf8", "UNKNOWN")
class Decoding(Peeking):
    def peek(self, request):
        [file.content.decode() for file in request.workspace.files]


@breaks("line-ends", "UNKNOWN")
class UnixOnly(Peeking):
    def peek(self, request):
        assert not any(b"\r" in file.content for file in request.workspace.files)


@breaks("line-ends", "keep CRLF", status="warning")
class Converting(Editing):
    def change(self, answer, request):
        for edit in answer.edits.edits:
            edit.write = edit.write.replace(b"\r\n", b"\n")


@breaks("settings", "UNKNOWN")
class Configured(Peeking):
    def peek(self, request):
        json.loads(request.settings_json or "{}")


@breaks("garbage-state", "FAILED_PRECONDITION")
class Trusting(Good):
    def trials(self, state, context):
        return set(json.loads(state or b"[]"))


@breaks("garbage-state", "FAILED_PRECONDITION")
class TrustingFold(Good):
    def ObserveOutcomes(self, request, context):
        return pb.ObserveOutcomesResponse(state=json.dumps(json.loads(request.state or b"[]")).encode())
