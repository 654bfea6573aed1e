"""A worker may crash, hang or lie; the host gets a PluginError with a reason and goes on."""

import json
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.process import ProcessRuntime
from nightlab.controller.actions.worker import Patience, PluginWorker
from nightlab.controller.errors import PluginError

PLUGINS = str(Path(__file__).parents[2] / "data" / "plugins")


def lives(attribute: str = "PLUGIN") -> Callable[[], ProcessRuntime]:
    return partial(ProcessRuntime, f"misbehaving:{attribute}", [PLUGINS])


def where(worker: PluginWorker) -> str:
    return worker.runtime.where if worker.runtime else "nowhere"


@pytest.fixture
async def worker() -> AsyncIterator[PluginWorker]:
    made = PluginWorker("misbehaving", lives(), patience=Patience(start_s=60, call_s=8, breaks=3))
    yield made
    await made.close()


def request(action: str, **arguments: object) -> pb.ApplyActionRequest:
    workspace = pb.Workspace(files=[pb.File(path="a.txt", content=b"a")])
    return pb.ApplyActionRequest(action=action, arguments_json=json.dumps(arguments), workspace=workspace)


async def test_same_worker_answers_again_and_is_replaced_after_a_crash(worker: PluginWorker) -> None:
    answer = await worker.apply(request("shout", text="BYE"))
    assert answer.edits.edits[0].write == b"aBYE"
    first = where(worker)
    await worker.apply(request("shout"))
    assert where(worker) == first
    with pytest.raises(PluginError, match="died of SIGSEGV"):
        await worker.apply(request("misbehave", way="segfault"))
    assert (await worker.apply(request("shout"))).edits.summary == "said HELLO"
    assert where(worker) != first


async def test_last_words_reach_the_error(worker: PluginWorker) -> None:
    with pytest.raises(PluginError, match="status 3; it said last: last words of the plugin"):
        await worker.apply(request("misbehave", way="exit"))


async def test_bug_is_reported_without_its_text(worker: PluginWorker) -> None:
    with pytest.raises(PluginError, match="INTERNAL: the plugin failed; its log has incident") as caught:
        await worker.apply(request("misbehave", way="memory"))
    assert "MemoryError" in str(caught.value)  # in the worker's log, which the error quotes


async def test_hang_ends_at_the_deadline() -> None:
    patience = Patience(start_s=60, call_s=0.5)
    worker = PluginWorker("misbehaving", lives(), patience=patience)
    with pytest.raises(PluginError, match="did not answer in time"):
        await worker.apply(request("misbehave", way="hang"))
    assert worker.runtime is None
    await worker.close()


async def test_three_breaks_in_an_hour_leave_it_out_for_the_night() -> None:
    now = [0.0]
    worker = PluginWorker("misbehaving", lives("NO_PLUGIN"), clock=lambda: now[0])
    for at in (0.0, 1.0, 3700.0, 3701.0):
        now[0] = at
        with pytest.raises(PluginError, match="is a int, not a nightlab"):
            await worker.list_actions()
        assert not worker.quarantined  # never three within one hour
    with pytest.raises(PluginError, match="is a int, not a nightlab"):
        await worker.list_actions()
    now[0] = 1e6
    assert worker.quarantined
    with pytest.raises(PluginError, match="left out for the night"):
        await worker.list_actions()


async def test_plugin_under_another_name_is_refused() -> None:
    worker = PluginWorker("misbehaving", lives("OTHER_NAME"))
    with pytest.raises(PluginError, match="calls itself 'someone-else'"):
        await worker.list_actions()


async def test_worker_has_no_network_files_or_secrets(worker: PluginWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    told = json.loads((await worker.apply(request("tell"))).edits.summary)
    assert told["write"].startswith("refused")
    assert told["session"]
    assert not any("KEY" in name for name in told["environment"])
    if os.geteuid() == 0:
        assert told["capabilities"] == 0
        assert told["interfaces"] == ["lo"]
        assert told["connect"] == "refused: 101"  # ENETUNREACH: not even a loopback that is up


async def test_unknown_action_is_told_apart_from_a_break(worker: PluginWorker) -> None:
    with pytest.raises(PluginError, match="has no action 'nothing'"):
        await worker.apply(request("nothing"))
    assert not worker.quarantined and worker.runtime is not None
