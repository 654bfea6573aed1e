"""A plugin in a real container: it answers, and whatever it does instead costs its own calls alone."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import grpc
import pytest
from tests.controller.plugins.conftest import CALL_S, LIMITS, WORKSPACE, MiB, apply, package

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.runtime import CallFailed
from nightlab.controller.errors import PluginError
from nightlab.controller.plugins.containers import container_name
from nightlab.controller.plugins.workload import SOCKET

pytestmark = pytest.mark.docker
SUPERVISOR_RSS_BYTES = 64 * MiB
SHORT_S = 0.5


async def tell(runtime, action="tell", **arguments):
    """Apply an action and return what it says."""
    request = apply(action, **arguments).SerializeToString()
    answer = await runtime.call("ApplyAction", request, timeout_s=CALL_S, wait_for_ready=True)
    return pb.ApplyActionResponse.FromString(answer).edits


async def test_a_package_answers_every_call(ground):
    async with ground.worker(package("tricks:PLUGIN")) as worker:
        actions = await worker.list_actions()
        assert [each.name for each in actions] == ["trick", "tell", "shout", "copy"]
        assert (await worker.check(pb.CheckActionRequest(action="shout", workspace=WORKSPACE))).applicable
        edits = (await worker.apply(apply("shout", text="BYE"))).edits
        assert edits.summary == "said BYE BinaryOperation"
        assert [(edit.path, edit.write) for edit in edits.edits] == [("a.txt", b"text BYE")]
        assert worker.runtime.where == f"container {container_name(ground.study_id, 'tricks')}"
        with pytest.raises(CallFailed) as failed:
            await worker.runtime.call("ObserveOutcomes", b"", timeout_s=CALL_S)
        assert failed.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_plugin_has_nothing_of_the_host(ground):
    async with ground.started(package("tricks:PLUGIN")) as runtime:
        told = json.loads((await tell(runtime)).summary)
    assert (told["ids"], told["capabilities"]) == ([65532, 65532], 0)
    assert sorted(told["environment"]) == ["HOME", "LANG", "NIGHTLAB_PLUGIN_SOCKET", "PATH"]
    assert told["environment"]["NIGHTLAB_PLUGIN_SOCKET"] == SOCKET
    refused = {name for name, value in told.items() if isinstance(value, str) and value.startswith("refused")}
    assert refused == {"network", "link", "own file", "toolbox", "supervisor"}
    assert (told["interfaces"], told["disk"]) == (["lo"], [])


async def test_two_mebibytes_in_and_four_out_of_it(ground):
    content = os.urandom(2 * MiB - 1024)
    request = apply("copy")
    request.workspace.files[0].content = content
    async with ground.started(package("tricks:PLUGIN")) as runtime:
        for _ in range(5):  # more than the supervisor keeps of its answers
            answer = await runtime.call(
                "ApplyAction", request.SerializeToString(), timeout_s=CALL_S, wait_for_ready=True
            )
            assert pb.ApplyActionResponse.FromString(answer).edits.edits[0].write == content
        request.workspace.files.add(path="b.txt", content=content)
        answer = await runtime.call("ApplyAction", request.SerializeToString(), timeout_s=CALL_S)
        assert len(answer) > 4 * MiB - 4096
        request.workspace.files.add(path="c.txt", content=b"x" * 2048)
        with pytest.raises(CallFailed) as failed:
            await runtime.call("ApplyAction", request.SerializeToString(), timeout_s=CALL_S)
        assert failed.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await tell(runtime, "shout", text="BYE")).edits


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash", "it ended with status 3; it said last: last words of the plugin"),
        ("signal", "it died of signal 35"),
        ("segfault", "it died of SIGSEGV"),
        ("memory", "the kernel killed it at its memory limit"),
    ],
)
async def test_an_end_is_told_with_its_reason_and_the_next_call_starts_anew(ground, name, words):
    async with ground.worker(package("tricks:PLUGIN")) as worker:
        with pytest.raises(PluginError, match=words):
            await worker.apply(apply("trick", name=name))
        assert (await worker.apply(apply("shout", text="BYE"))).edits.edits


@pytest.mark.parametrize("name", ["hang", "fork"])
async def test_a_hang_ends_at_its_deadline_and_the_container_is_gone(ground, name):
    async with ground.started(package("tricks:PLUGIN")) as runtime:
        assert (await tell(runtime, "shout", text="BYE")).edits
        request = apply("trick", name=name).SerializeToString()
        with pytest.raises(CallFailed) as failed:
            await runtime.call("ApplyAction", request, timeout_s=SHORT_S)
        assert failed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "it" in await runtime.stop(gently=False)
    assert await ground.engine.find(container_name(ground.study_id, "tricks")) is None


async def test_a_flood_of_output_is_slowed_and_other_calls_go_on(ground):
    async with ground.started(package("tricks:PLUGIN")) as runtime:
        assert (await tell(runtime, "trick", name="flood")).summary == "flood returned"
        job = runtime._life.job
        before, began = job.ends().stdout_offset, time.monotonic()
        for _ in range(30):
            assert (await tell(runtime, "shout", text="BYE")).edits
        came, took_s = job.ends().stdout_offset - before, time.monotonic() - began
        assert came <= 2 * MiB * (took_s + 1)
        assert len(job.last_words) <= 16 * 1024
        assert "it was killed; it said last: xxx" in await runtime.stop(gently=False)


async def test_a_socket_that_leads_elsewhere_is_not_followed(ground):
    async with ground.started(package("tricks:PLUGIN")) as runtime:
        assert (await tell(runtime, "trick", name="link")).summary == "link returned"
        with pytest.raises(CallFailed, match="is no socket of uid 65532") as failed:
            await runtime.call("GetPluginInfo", b"", timeout_s=CALL_S)
        assert failed.value.code is grpc.StatusCode.FAILED_PRECONDITION
        assert runtime.alive


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("GIBIBYTE", {grpc.StatusCode.RESOURCE_EXHAUSTED}),
        ("BOMB", {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED}),
        ("NOISE", {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}),
        ("DETAILS", {grpc.StatusCode.FAILED_PRECONDITION}),
    ],
)
async def test_bytes_that_are_no_answer_cost_the_supervisor_nothing(ground, target, code):
    source = replace(package(f"raw:{target}"), name="raw")
    async with ground.started(source, LIMITS.model_copy(update={"memory": 512 * MiB})) as runtime:
        sandbox = runtime._life.linked.sandbox
        await wait_until_bound(runtime, target)
        for _ in range(3):
            with pytest.raises(CallFailed) as failed:
                await runtime.call("GetPluginInfo", b"", timeout_s=CALL_S)
            assert failed.value.code in code
            assert failed.value.details.isprintable()
        await sandbox.ping()
        assert sandbox.supervisor_rss_bytes < SUPERVISOR_RSS_BYTES


async def test_headers_without_an_end_cost_the_call_its_time_and_nothing_more(ground):
    source = replace(package("raw:METADATA"), name="raw")
    async with ground.started(source) as runtime:
        with pytest.raises(CallFailed):
            await runtime.call("GetPluginInfo", b"", timeout_s=3.0, wait_for_ready=True)
        assert "it" in await runtime.stop(gently=False)
    assert await ground.engine.find(container_name(ground.study_id, "raw")) is None


async def wait_until_bound(runtime, target):
    """Make a first call that waits for the socket; what comes of it is not asked."""
    with pytest.raises(CallFailed):
        await runtime.call("GetPluginInfo", b"", timeout_s=3.0 if target == "NOISE" else CALL_S, wait_for_ready=True)


async def test_a_package_that_does_not_start_says_why(ground):
    async with ground.worker(package("nowhere:PLUGIN")) as worker:
        with pytest.raises(PluginError, match="No module named 'nowhere'"):
            await worker.list_actions()


async def test_a_package_that_changed_since_it_was_pinned_does_not_start(ground):
    source = replace(package("tricks:PLUGIN"), digest="0" * 64)
    with pytest.raises(PluginError, match="has changed since"):
        async with ground.started(source):
            pass


async def test_what_an_earlier_controller_left_is_removed_at_the_start(ground):
    source = package("tricks:PLUGIN")
    ground.engine.link_dir(container_name(ground.study_id, "tricks")).mkdir(parents=True)
    left = await ground.engine.create(await ground.runtime(source)._spec())
    async with ground.started(source) as runtime:
        assert (await tell(runtime, "shout", text="BYE")).edits
        assert (await ground.engine.state(left)).status == "gone"


def test_a_long_name_is_cut_and_stays_its_own():
    long, other = (container_name("s", f"{'very-' * 8}{end}") for end in ("one", "two"))
    assert long != other
    assert len(long) == len(container_name("s", "x" * 24)) == len("nightlab-s-plugin-") + 24
