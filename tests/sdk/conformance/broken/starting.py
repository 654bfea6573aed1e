"""Plugins that say wrong things about themselves."""

from tests.sdk.conformance.broken.breaking import breaks
from tests.sdk.conformance.good import Good

from nightlab.api.plugin.v1 import plugin_pb2 as pb


class Listing(Good):
    """Changes the list of actions."""

    def ListActions(self, request, context):
        answer = super().ListActions(request, context)
        for each in answer.actions:
            self.change(each)
        return answer

    def change(self, action):
        """Change one."""


@breaks("info", "calls itself 'Bad Name'")
class BadName(Good):
    def GetPluginInfo(self, request, context):
        return pb.GetPluginInfoResponse(name="Bad Name", version="1.0")


@breaks("info", "use 1 to 60")
class NoVersion(Good):
    def GetPluginInfo(self, request, context):
        return pb.GetPluginInfoResponse(name="example")


@breaks("info", "different answers")
class CountingVersion(Good):
    calls = 0

    def GetPluginInfo(self, request, context):
        self.calls += 1
        return pb.GetPluginInfoResponse(name="example", version=f"1.{self.calls}")


@breaks("unknown-values", "GetPluginInfo ended with UNKNOWN")
class StrictAboutFeatures(Good):
    def GetPluginInfo(self, request, context):
        [pb.Feature.Name(each) for each in request.host_features]
        return super().GetPluginInfo(request, context)


@breaks("unknown-values", "answers otherwise")
class NewHost(Good):
    def GetPluginInfo(self, request, context):
        answer = super().GetPluginInfo(request, context)
        answer.version += "+new" if request.host_version == "999.0" else ""
        return answer


@breaks("actions-named", "'Bad-Name'")
class BadActionName(Listing):
    def change(self, action):
        action.name = "Bad-Name"


@breaks("actions-named", "two actions are named")
class SameNames(Listing):
    def change(self, action):
        action.name = "same"


@breaks("actions-named", "there is no action")
class NoActions(Good):
    actions = ()


@breaks("actions-stable", "changed between two calls")
class Shuffled(Good):
    calls = 0

    def ListActions(self, request, context):
        answer = super().ListActions(request, context)
        self.calls += 1
        answer.actions[0].title = f"call {self.calls}"
        return answer


@breaks("paging", "allows at most 1")
class OnePage(Good):
    def ListActions(self, request, context):
        return super().ListActions(pb.ListActionsRequest(), context)


@breaks("paging", "does not end")
class EndlessPages(Good):
    def ListActions(self, request, context):
        answer = super().ListActions(pb.ListActionsRequest(page_size=request.page_size), context)
        answer.next_page_token = "0" if request.page_size == 1 else ""
        return answer


@breaks("page-token", "answer INVALID_ARGUMENT")
class TrustingTokens(Good):
    def ListActions(self, request, context):
        int(request.page_token or 0)
        return super().ListActions(request, context)


@breaks("descriptions", "no description")
class Silent(Listing):
    def change(self, action):
        action.description = " "


@breaks("descriptions", "at most 4096")
class Talkative(Listing):
    def change(self, action):
        action.description = "\u00e4" * 2100


@breaks("schemas", "anyOf")
class RootCombinator(Listing):
    def change(self, action):
        action.parameters_schema = '{"type": "object", "anyOf": []}'


@breaks("schemas", "write a JSON object")
class NoSchema(Listing):
    def change(self, action):
        action.parameters_schema = "[]"


@breaks("globs", "relative to the root")
class Escaping(Listing):
    def change(self, action):
        action.reads.append("../secrets/*")


@breaks("globs", "no writes")
class Looking(Listing):
    def change(self, action):
        del action.writes[:]


@breaks("effects", "has no direction")
class Directionless(Listing):
    def change(self, action):
        action.effects.append(pb.Effect(quantity="loss"))


@breaks("effects", "'Peak memory'")
class Prose(Listing):
    def change(self, action):
        action.effects.append(pb.Effect(quantity="Peak memory", direction=pb.DIRECTION_DOWN))
