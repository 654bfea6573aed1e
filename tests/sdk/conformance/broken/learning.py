"""Plugins that learn wrongly, or ask the model wrongly."""

import json

from tests.sdk.conformance.broken.breaking import breaks
from tests.sdk.conformance.good import Good

from nightlab.api.plugin.v1 import plugin_pb2 as pb


@breaks("optional-calls", "claim no FEATURE_OBSERVE")
class Claiming(Good):
    def ObserveOutcomes(self, request, context):
        raise NotImplementedError


@breaks("observe-idempotent", "count it once")
class Counting(Good):
    def ObserveOutcomes(self, request, context):
        seen = json.loads(request.state or b"[]") + [each.trial_id for each in request.outcomes]
        return pb.ObserveOutcomesResponse(state=json.dumps(seen).encode())


@breaks("observe-idempotent", "made two states")
class OwnMemory(Good):
    calls = 0

    def ObserveOutcomes(self, request, context):
        self.calls += 1
        return pb.ObserveOutcomesResponse(state=str(self.calls).encode())


@breaks("state-size", "at most 262144")
class Hoarding(Good):
    def ObserveOutcomes(self, request, context):
        more = b"".join(each.trial_id.encode().ljust(1000) for each in request.outcomes)
        return pb.ObserveOutcomesResponse(state=request.state + more)

    def trials(self, state, context):
        return set()


@breaks("completion", "never answered")
class Nagging(Good):
    def told(self, request, context):
        request.ClearField("completion")
        return self.ApplyAction(request, context)


@breaks("completion", "UNKNOWN")
class Deaf(Good):
    def told(self, request, context):
        raise ValueError("no idea what to do with it")


@breaks("completion-nonsense", "UNKNOWN")
class Believing(Good):
    def told(self, request, context):
        json.loads(request.completion.text)["hidden"]
        return super().told(request, context)


@breaks("completion-nonsense", "FAILED_PRECONDITION")
class BelievingResume(Good):
    def told(self, request, context):
        request.completion.resume.decode()
        return super().told(request, context)
