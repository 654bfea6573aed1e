"""Plugins whose edits are not what they should be."""

import random
import threading

import grpc
from tests.sdk.conformance.broken.breaking import breaks
from tests.sdk.conformance.good import Good

from nightlab.api.plugin.v1 import plugin_pb2 as pb


class Editing(Good):
    """Changes an answer that has edits."""

    def ApplyAction(self, request, context):
        answer = super().ApplyAction(request, context)
        if answer.WhichOneof("result") == "edits":
            self.change(answer, request)
        return answer

    def change(self, answer, request):
        """Change it."""


@breaks("apply-answers", "answered nothing")
class Empty(Editing):
    def change(self, answer, request):
        answer.Clear()


@breaks("apply-answers", "no diagnostic of SEVERITY_ERROR")
class NoReason(Editing):
    def change(self, answer, request):
        answer.rejection.SetInParent()


@breaks("apply-answers", "without a prompt")
class NoPrompt(Editing):
    def change(self, answer, request):
        answer.needs_completion.SetInParent()


@breaks("apply-answers", "the process ended")
class Dying(Good):
    def ApplyAction(self, request, context):
        import os

        os._exit(3)


@breaks("apply-repeatable", "in two ways")
class Rolling(Editing):
    def change(self, answer, request):
        answer.edits.summary = str(random.random())


@breaks("apply-repeatable", "in two ways")
class NamedByRequest(Editing):
    def change(self, answer, request):
        answer.edits.summary = request.request_id


@breaks("check-harmless", "applies otherwise after CheckAction")
class Remembering(Editing):
    checks = 0

    def CheckAction(self, request, context):
        self.checks += 1
        return super().CheckAction(request, context)

    def change(self, answer, request):
        answer.edits.summary = f"after {self.checks} checks"


@breaks("check-harmless", "two answers for one workspace")
class Moody(Good):
    checks = 0

    def CheckAction(self, request, context):
        self.checks += 1
        answer = super().CheckAction(request, context)
        answer.diagnostics.add(severity=pb.SEVERITY_NOTE, summary=f"check {self.checks}")
        return answer


@breaks("edits-inside-writes", "must not have an empty, '.' or '..' part")
class Outside(Editing):
    def change(self, answer, request):
        answer.edits.edits.add(path="../outside", write=b"x")


@breaks("edits-inside-writes", "is outside its writes")
class Undeclared(Editing):
    def change(self, answer, request):
        answer.edits.edits.add(path="README.md", write=b"x")


@breaks("edits-inside-writes", "at most 200 edits")
class Flooding(Editing):
    def change(self, answer, request):
        for number in range(201):
            answer.edits.edits.add(path=f"new{number}", write=b"x")


@breaks("edits-on-base", "another base_sha256")
class Stale(Editing):
    def change(self, answer, request):
        for edit in answer.edits.edits:
            edit.base_sha256 = ""


@breaks("edits-on-base", "occurs twice")
class Twice(Editing):
    def change(self, answer, request):
        answer.edits.edits.extend(list(answer.edits.edits))


@breaks("edits-on-base", "neither write nor delete")
class Undecided(Editing):
    def change(self, answer, request):
        for edit in answer.edits.edits:
            edit.ClearField("write")


@breaks("edits-change", "changes nothing")
class Idle(Editing):
    def change(self, answer, request):
        del answer.edits.edits[:]


@breaks("parallel", "calls at once")
class Shared(Editing):
    """Answers otherwise while another call is under way; one waits a moment for another."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.met = threading.Condition()

    def change(self, answer, request):
        with self.met:
            self.inside += 1
            self.met.notify_all()
            self.met.wait_for(lambda: self.inside > 1, timeout=0.03)
            answer.edits.summary = "together" if self.inside > 1 else "alone"
        with self.met:
            self.inside -= 1


@breaks("unknown-action", "use NOT_FOUND")
class Strict(Good):
    def CheckAction(self, request, context):
        if request.action == "no_such_action":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such action")
        return super().CheckAction(request, context)


@breaks("unknown-action", "not in the list")
class Agreeable(Good):
    def ApplyAction(self, request, context):
        if request.action == "no_such_action":
            return pb.ApplyActionResponse(edits=pb.EditSet())
        return super().ApplyAction(request, context)


@breaks("large-message", "RESOURCE_EXHAUSTED")
class Small(Good):
    options = (("grpc.max_receive_message_length", 2**20),)
