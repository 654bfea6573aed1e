"""A supervisor that lies: the host believes nothing, bounds everything, and says what was wrong."""

import asyncio
import hashlib
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio
import psutil
import pytest

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.api.sandbox.v1 import sandbox_pb2_grpc as pb_grpc
from nightlab.controller.errors import LinkError, SandboxLost

MEGABYTE = 1_000_000
TOOL = {"env": {}, "cwd": "/", "uid": 1, "gid": 1, "wall_limit_s": 30}


class Liar:
    """The sandbox's end of the protocol, word by word."""

    def __init__(self, link, channel: grpc.aio.Channel) -> None:
        self.stub = pb_grpc.SandboxLinkServiceStub(channel)
        self.link = link
        self.stream = self.stub.Connect(wait_for_ready=True)

    async def greet(self, boot_id: str = "boot", **hello) -> pb.Welcome:
        await self.say(hello=pb.Hello(protocol=1, boot_id=boot_id, **hello))
        return (await self.stream.read()).welcome

    async def say(self, **event) -> None:
        await self.stream.write(pb.ConnectRequest(**event))

    async def command(self) -> pb.Command:
        while (message := await self.stream.read()).WhichOneof("message") != "command":
            pass
        return message.command

    async def dropped(self) -> tuple[grpc.StatusCode, str]:
        async with asyncio.timeout(10):
            with suppress(grpc.aio.AioRpcError):
                while await self.stream.read() is not grpc.aio.EOF:
                    pass
            return await self.stream.code(), await self.stream.details()


@asynccontextmanager
async def connect(link) -> AsyncIterator[Liar]:
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"unix:{link.socket_directory}/link.sock", options=options) as channel:
        yield Liar(link, channel)


@pytest.fixture
async def server(link):
    server = link.server(lost_after_s=30.0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def liar(link, server):
    async with connect(link) as liar:
        yield liar


async def refused(call) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_first_word_must_be_hello(server, liar):
    await liar.say(heartbeat=pb.Heartbeat(sequence=1))
    assert await liar.dropped() == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "the sandbox sent something else before its Hello",
    )
    with pytest.raises(LinkError, match="before its Hello"):
        await server.connected(1)


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        ({"protocol": 2, "boot_id": "b"}, "speaks protocol 2"),
        ({"protocol": 1}, "no usable boot id"),
        ({"protocol": 1, "boot_id": "b" * 1000}, "no usable boot id"),
        ({"protocol": 1, "boot_id": "b", "jobs": [pb.JobState(job_id="j" * 999)]}, "unusable id"),
        ({"protocol": 1, "boot_id": "b", "jobs": [pb.JobState(job_id="j")] * 300}, "too many jobs"),
    ],
)
async def test_unusable_hello_is_refused(liar, hello, said):
    await liar.say(hello=pb.Hello(**hello))
    assert said in (await liar.dropped())[1]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"hello": pb.Hello(protocol=1, boot_id="b")}, "second Hello"),
        ({}, "no kind"),
        ({"output": pb.JobOutput(job_id="j", channel=1, data=b"x")}, "a job that it was not given: 'j'"),
        ({"exit": pb.JobExit(job_id="\x1b[2J", code=0)}, "a job that it was not given: '\\\\x1b[2J'"),
        ({"result": pb.CommandResult(command_id="c")}, "a command that it was not given"),
    ],
)
async def test_event_out_of_turn_ends_the_sandbox(server, liar, event, said):
    await liar.greet()
    sandbox = await server.connected(5)
    await liar.say(**event)
    assert said in (await liar.dropped())[1]
    with pytest.raises(LinkError):
        await sandbox.ping()
    async with connect(liar.link) as again:
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # it is refused unheard
            await again.say(hello=pb.Hello(protocol=1, boot_id="b"))
        assert (await again.dropped())[0] != grpc.StatusCode.OK
    with pytest.raises(LinkError, match=re.escape(said)):
        await server.connected(1)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([{"output": {"channel": 1, "offset": 7, "data": b"x"}}], "jumps from 0 to 7"),
        ([{"output": {"channel": 9, "data": b"x"}}], "no channel 9"),
        ([{"exit": {"code": 0, "stdout_bytes": 5}}], "other offsets"),
        ([{"exit": {}}], "but not how"),
        ([{"output": {"channel": 1, "data": b"abc"}}, {"exit": {"code": 0, "stdout_bytes": 2}}], "other offsets"),
    ],
)
async def test_impossible_output_ends_the_sandbox(server, liar, events, said):
    await liar.greet()
    run = asyncio.ensure_future((await server.connected(5)).run("tool", ["x"], **TOOL))
    command = await liar.command()
    job_id = command.start_job.job_id
    for event in events:
        ((kind, fields),) = event.items()
        message = {"output": pb.JobOutput, "exit": pb.JobExit}[kind](job_id=job_id, **fields)
        await liar.say(**{kind: message})
    assert said in (await liar.dropped())[1]
    with pytest.raises(LinkError, match=said):
        await run


async def test_output_that_goes_back_is_taken_once(server, liar):
    await liar.greet()
    run = asyncio.ensure_future((await server.connected(5)).run("tool", ["x"], **TOOL))
    command = await liar.command()
    job_id = command.start_job.job_id
    await liar.say(result=pb.CommandResult(command_id=command.command_id, start_job=pb.StartJobResult(pid=1)))
    for offset, content in ((0, b"abcdef"), (2, b"cdXX"), (4, b"efgh")):
        await liar.say(output=pb.JobOutput(job_id=job_id, channel=1, offset=offset, data=content))
    await liar.say(exit=pb.JobExit(job_id=job_id, code=0, stdout_bytes=8))
    assert (await run).stdout == b"abcdefgh"


async def test_result_of_another_command_ends_the_sandbox(server, liar):
    await liar.greet()
    lookup = asyncio.ensure_future((await server.connected(5)).resolve_user("root"))
    command = await liar.command()
    await liar.say(result=pb.CommandResult(command_id=command.command_id, put_tree=pb.PutTreeResult()))
    with pytest.raises(LinkError, match="another command's result"):
        await lookup


@pytest.mark.parametrize(
    "entry",
    [
        pb.TreeEntry(path="../up", mode=0o100644, sha256=bytes(32)),
        pb.TreeEntry(path="f", mode=0o104755, sha256=bytes(32)),
        pb.TreeEntry(path="f", mode=0o100644, sha256=b"short"),
    ],
)
async def test_impossible_listing_is_refused(server, liar, entry):
    await liar.greet()
    scan = asyncio.ensure_future((await server.connected(5)).scan_tree("/ws"))
    command = await liar.command()
    await liar.say(result=pb.CommandResult(command_id=command.command_id, scan_tree=pb.ScanTreeResult(entries=[entry])))
    with pytest.raises(LinkError, match="impossible file"):
        await scan


async def test_flood_of_events_ends_the_sandbox(server, liar):
    await liar.greet()
    with pytest.raises((grpc.aio.AioRpcError, asyncio.InvalidStateError)):
        for sequence in range(100_000):
            await liar.say(heartbeat=pb.Heartbeat(sequence=sequence))
    with pytest.raises(LinkError, match="events a second"):
        await server.connected(5)


async def test_message_of_5_megabytes_is_rejected(server, liar):
    await liar.greet()
    before = psutil.Process().memory_info().rss
    await liar.say(output=pb.JobOutput(job_id="j", data=bytes(5 * MEGABYTE)))
    assert (await liar.dropped())[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert psutil.Process().memory_info().rss - before < 100 * MEGABYTE


async def test_garbage_on_the_socket_disturbs_nobody(link, server, liar):
    await liar.greet()

    def shout() -> None:
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(link.socket_directory / "link.sock"))
            raw.sendall(os.urandom(100_000))

    for _ in range(20):
        with suppress(BrokenPipeError, ConnectionResetError):
            await asyncio.to_thread(shout)
    await liar.say(heartbeat=pb.Heartbeat(sequence=1))
    assert (await server.connected(5)).boot_id == "boot"


async def test_newer_connection_replaces_the_older(link, server, liar):
    await liar.greet()
    async with connect(link) as newer:
        await newer.greet()
        assert (await liar.dropped())[0] == grpc.StatusCode.OK
        lookup = asyncio.ensure_future((await server.connected(5)).resolve_user("root"))
        command = await newer.command()
        result = pb.ResolveUserResult(uid=0, name="ro\x1bot", home="/root")
        await newer.say(result=pb.CommandResult(command_id=command.command_id, resolve_user=result))
        assert (await lookup).name == "ro\\x1bot"


async def test_another_boot_id_means_that_what_was_under_way_is_gone(link, server, liar):
    await liar.greet("first")
    lookup = asyncio.ensure_future((await server.connected(5)).resolve_user("root"))
    await liar.command()
    async with connect(link) as newer:
        await newer.greet("second")
        with pytest.raises(SandboxLost, match="restarted"):
            await lookup


async def test_only_contents_that_were_offered_are_served(server, liar):
    secret = hashlib.sha256(b"secret").digest()
    liar.link.blobs.contents[secret.hex()] = b"secret"
    await liar.greet()
    call = liar.stub.FetchBlobs(pb.FetchBlobsRequest(sha256=[secret]))
    assert await refused(call.read()) == grpc.StatusCode.NOT_FOUND


async def pushed(liar, *parts: pb.PushBlobRequest) -> bytes:
    async def messages():
        for part in parts:
            yield part

    return (await liar.stub.PushBlob(messages())).sha256


async def begin_reading(server, liar, base):
    await liar.greet()
    sandbox = await server.connected(5)
    limits = {"max_files": 2, "max_file_bytes": 1000, "max_total_bytes": 1500, "as_uid": 1, "as_gid": 1}
    reading = asyncio.ensure_future(sandbox.read_files("/ws", ["*"], into=base / "in", **limits))
    return reading, (await liar.command()).command_id


async def test_content_that_nobody_asked_for_is_refused(liar):
    await liar.greet()
    push = pushed(liar, pb.PushBlobRequest(command_id="c", path="f"), pb.PushBlobRequest(data=b"x"))
    assert await refused(push) == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("path", ["../../etc/cron.d/x", "/abs", "a/../../b", "", "a\nb", "a\x1b[31m", "x" * 300])
async def test_path_that_leaves_the_directory_is_refused(server, liar, base, path):
    reading, command_id = await begin_reading(server, liar, base)
    push = pushed(liar, pb.PushBlobRequest(command_id=command_id, path=path), pb.PushBlobRequest(data=b"x"))
    assert await refused(push) == grpc.StatusCode.RESOURCE_EXHAUSTED
    reading.cancel()


async def test_more_bytes_than_allowed_are_refused_while_they_come(server, liar, base):
    reading, command_id = await begin_reading(server, liar, base)
    push = pushed(
        liar, pb.PushBlobRequest(command_id=command_id, path="f"), *[pb.PushBlobRequest(data=bytes(600))] * 100
    )
    assert await refused(push) == grpc.StatusCode.RESOURCE_EXHAUSTED
    first = [pb.PushBlobRequest(command_id=command_id, path="a"), pb.PushBlobRequest(data=bytes(900))]
    assert await pushed(liar, *first) == hashlib.sha256(bytes(900)).digest()
    second = pushed(liar, pb.PushBlobRequest(command_id=command_id, path="b"), pb.PushBlobRequest(data=bytes(700)))
    assert await refused(second) == grpc.StatusCode.RESOURCE_EXHAUSTED
    reading.cancel()


async def test_result_that_names_other_files_than_came_is_refused(server, liar, base):
    reading, command_id = await begin_reading(server, liar, base)
    await pushed(liar, pb.PushBlobRequest(command_id=command_id, path="f"), pb.PushBlobRequest(data=b"x"))
    files = [pb.TreeEntry(path="f", mode=0o100644, size=1, sha256=bytes(32))]
    result = pb.CommandResult(command_id=command_id, read_files=pb.ReadFilesResult(files=files))
    await liar.say(result=result)
    with pytest.raises(LinkError, match="not what came"):
        await reading
    assert not list((base / "in").iterdir())


async def test_hundreds_of_streams_leave_the_host_answering(server, liar):
    await liar.greet()
    part = pb.PushBlobRequest(command_id="c", path="f")
    flood = asyncio.gather(*(refused(pushed(liar, part)) for _ in range(300)))
    lookup = asyncio.ensure_future((await server.connected(5)).resolve_user("root"))
    command = await liar.command()
    await liar.say(result=pb.CommandResult(command_id=command.command_id, resolve_user=pb.ResolveUserResult()))
    await asyncio.wait_for(lookup, 20)
    assert grpc.StatusCode.OK not in await asyncio.wait_for(flood, 30)
