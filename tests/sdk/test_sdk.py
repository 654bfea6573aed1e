"""A typed function makes an action; it is tried without a server, and through a real one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import grpc
import pytest

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.api.plugin.v1 import plugin_pb2_grpc
from nightlab.sdk import Bool, Choice, Edits, Float, Int, Plugin, PluginServicer, Text, Unmet, action
from nightlab.sdk.serve import make_server


@action(reads=["config.yaml"])
def set_eps(
    ws: Edits,
    eps: Annotated[float, Float(1e-8, 1e-4, log=True)] = 1e-6,
    heads: Annotated[int, Int(2, 8, step=2)] = 4,
    norm: Annotated[str, Choice("rms", "layer")] = "rms",
    bias: Annotated[bool, Bool()] = False,
) -> None:
    """Set the norm's epsilon.

    More words.
    """
    ws.sub("config.yaml", r"(?m)^norm:.*$", f"norm: {norm}  # eps={eps:g} {heads} {bias}")


PLUGIN = Plugin("example-rmsnorm", "1.0", (set_eps,))


def test_schema_comes_from_the_signature() -> None:
    properties = set_eps.schema["properties"]
    assert properties["eps"] == {
        "type": "number",
        "minimum": 1e-8,
        "maximum": 1e-4,
        "x-scale": "log",
        "default": 1e-6,
    }
    assert properties["heads"]["multipleOf"] == 2
    assert properties["norm"] == {"type": "string", "enum": ["rms", "layer"], "default": "rms"}
    assert set_eps.title == "Set the norm's epsilon"


def test_action_is_tried_without_a_server() -> None:
    ws = Edits({"config.yaml": "a: 1\nnorm: layer\n"})
    set_eps(ws, eps=1e-5)
    assert ws.changes() == {"config.yaml": b"a: 1\nnorm: rms  # eps=1e-05 4 False\n"}
    with pytest.raises(Unmet, match="nothing that matches"):
        set_eps(Edits({"config.yaml": "a: 1\n"}))


def test_edits_know_what_changed() -> None:
    ws = Edits({"a": b"1", "b": b"2"})
    ws.write("a", b"1")
    ws.delete("b")
    ws.write("c", "3")
    assert ws.paths() == ("a", "c")
    assert ws.changes() == {"b": None, "c": b"3"}
    with pytest.raises(Unmet):
        ws.read("b")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def f(ws): pass", "needs a docstring"),
        ("def f(ws, x: int):\n '''Doc.'''", "needs Annotated"),
        ("def f(ws, x: Annotated[float, Float(0.0, 1.0, log=True)]):\n '''Doc.'''", "log scale cannot begin at 0"),
        ("def f(ws, x: Annotated[int, Int(3, 9, step=2)] = 4):\n '''Doc.'''", "multipleOf"),
        ("def f(ws, x: Annotated[float, Float(0, 1)] = 2.0):\n '''Doc.'''", "default 2"),
    ],
)
def test_wrong_action_fails_where_it_is_made(body: str, message: str) -> None:
    scope = dict(globals())
    exec(body, scope)
    with pytest.raises(TypeError, match=message):
        action(reads=["**"])(scope["f"])


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[plugin_pb2_grpc.ActionPluginServiceStub]:
    server = make_server(str(tmp_path / "p.sock"))
    plugin_pb2_grpc.add_ActionPluginServiceServicer_to_server(PluginServicer(PLUGIN), server)
    server.start()
    with grpc.insecure_channel(f"unix:{tmp_path}/p.sock") as channel:
        yield plugin_pb2_grpc.ActionPluginServiceStub(channel)
    server.stop(0).wait()


def request(arguments: str, text: bytes = b"norm: layer\n") -> pb.ApplyActionRequest:
    workspace = pb.Workspace(files=[pb.File(path="config.yaml", content=text)])
    return pb.ApplyActionRequest(action="set_eps", arguments_json=arguments, workspace=workspace)


def test_server_lists_checks_and_applies(stub: plugin_pb2_grpc.ActionPluginServiceStub) -> None:
    info = stub.GetPluginInfo(pb.GetPluginInfoRequest(host_features=[99]))
    assert (info.name, info.sdk) == ("example-rmsnorm", "nightlab-sdk/0.1.0")
    listed = stub.ListActions(pb.ListActionsRequest())
    assert [each.name for each in listed.actions] == ["set_eps"] and not listed.next_page_token
    answers = {stub.ApplyAction(request('{"eps": 0.00001}')).SerializeToString(deterministic=True) for _ in range(3)}
    assert len(answers) == 1
    edit = pb.ApplyActionResponse.FromString(answers.pop()).edits.edits[0]
    assert edit.write == b"norm: rms  # eps=1e-05 4 False\n"
    assert len(edit.base_sha256) == 64


@pytest.mark.parametrize(
    ("arguments", "pointer"),
    [('{"eps": 1}', "/eps"), ('{"heads": 3}', "/heads"), ('{"a/b": 1}', "/a~1b"), ("[]", ""), ('{"eps": NaN}', "")],
)
def test_bad_arguments_are_rejected_with_what_is_allowed(
    stub: plugin_pb2_grpc.ActionPluginServiceStub, arguments: str, pointer: str
) -> None:
    rejection = stub.ApplyAction(request(arguments)).rejection
    assert rejection.diagnostics[0].severity == pb.SEVERITY_ERROR
    assert rejection.diagnostics[0].pointer == pointer
    assert not pointer or "allowed" in rejection.diagnostics[0].detail


def test_unmet_preconditions_are_data(stub: plugin_pb2_grpc.ActionPluginServiceStub) -> None:
    assert "nothing that matches" in stub.ApplyAction(request("{}", b"x: 1\n")).rejection.diagnostics[0].summary
    empty = stub.CheckAction(pb.CheckActionRequest(action="set_eps"))
    assert not empty.applicable and empty.diagnostics


def test_unknown_action_and_optional_call_are_statuses(stub: plugin_pb2_grpc.ActionPluginServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as missing:
        stub.CheckAction(pb.CheckActionRequest(action="nothing"))
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as optional:
        stub.ObserveOutcomes(pb.ObserveOutcomesRequest())
    assert optional.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_text_parameters_are_not_sampled() -> None:
    assert Text(10).spec() == {"type": "string", "maxLength": 10, "x-sampleable": False}
