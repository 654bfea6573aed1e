"""Carries calls to the plugin that serves on a Unix socket in this container, and what it answers back.

The plugin is the attacker here. It owns what lies at the socket's path and what speaks there: so the socket is opened
without following links and must be its own, and an answer is bounded before it is held.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio

from nightlab.api.plugin.v1 import plugin_pb2
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused, invalid, printable
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import DIRECTORY

SERVICE: Final = plugin_pb2.DESCRIPTOR.services_by_name["ActionPluginService"]
ANSWER_BYTES: Final = 4 * 1024 * 1024
METADATA_BYTES: Final = 16 * 1024
DETAILS_CHARACTERS: Final = 1024  # at most 4 KiB
LOOK_AGAIN_S: Final = 0.01
CLOSE_GRACE_S: Final = 30.0
_IDENTITY_ONLY: Final = 1  # a bit for each of gRPC's compressions
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", ANSWER_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ONLY),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 250),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection to one socket. Its descriptor holds the inode, so no later socket can have the same number."""

    fd: int
    identity: tuple[int, int]
    channel: grpc.aio.Channel


class PluginCalls:
    """The connection to the plugin, made anew whenever another socket lies at the path."""

    def __init__(self) -> None:
        self._line: _Line | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def call(self, request: pb.CallPlugin) -> pb.CallPluginResult:
        """Make one call.

        Raises:
            Refused: There is no such method, or what lies at the path is no socket of the plugin's.
        """
        _check(request)
        try:
            async with asyncio.timeout(request.timeout_ms / 1000):
                return await (self._patient(request) if request.wait_for_ready else self._once(request))
        except TimeoutError:
            return _no_answer(grpc.StatusCode.DEADLINE_EXCEEDED, "the plugin did not answer in time")

    async def _patient(self, request: pb.CallPlugin) -> pb.CallPluginResult:
        """Repeat a call until something accepts it; the socket may be bound, and bound again, at any time."""
        while True:
            result = await self._once(request)
            if result.status != grpc.StatusCode.UNAVAILABLE.value[0]:
                return result
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _once(self, request: pb.CallPlugin) -> pb.CallPluginResult:
        try:
            line = self._connected(request)
        except FileNotFoundError:
            return _no_answer(grpc.StatusCode.UNAVAILABLE, "the plugin has bound no socket")
        ask: Any = line.channel.unary_unary(f"/{SERVICE.full_name}/{request.method}", None, None)
        try:
            return pb.CallPluginResult(response=await ask(request.request, timeout=request.timeout_ms / 1000))
        except grpc.aio.AioRpcError as error:
            return _no_answer(error.code(), error.details() or "")

    def _connected(self, request: pb.CallPlugin) -> _Line:
        fd = _open_socket(request)
        status = os.fstat(fd)
        identity = (status.st_dev, status.st_ino)
        if self._line is not None and self._line.identity == identity:
            os.close(fd)
            return self._line
        self._retire()
        # By its descriptor: a path would be looked up again, and lead wherever the plugin points it by then.
        channel = grpc.aio.insecure_channel(f"unix:/proc/self/fd/{fd}", options=_OPTIONS)
        self._line = _Line(fd, identity, channel)
        return self._line

    def _retire(self) -> None:
        """Let calls on the earlier line end; its descriptor stays theirs until then."""
        if self._line is not None:
            task = asyncio.get_running_loop().create_task(_close(self._line))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._line = None


async def _close(line: _Line) -> None:
    await line.channel.close(CLOSE_GRACE_S)
    os.close(line.fd)


def _check(request: pb.CallPlugin) -> None:
    if request.method not in SERVICE.methods_by_name:
        raise invalid(f"{request.method!r} is no call of a plugin")
    if not request.socket.startswith("/") or "\0" in request.socket or request.owner_uid == 0:
        raise invalid("a plugin's socket has an absolute path and an owner other than root")


def _open_socket(request: pb.CallPlugin) -> int:
    """Open the socket itself as a descriptor that can only be connected to.

    Raises:
        FileNotFoundError: Nothing lies there.
        Refused: It is something else, or another's.
    """
    directory, _, name = request.socket.rpartition("/")
    with files_as(request.owner_uid, request.owner_gid):
        parent = os.open(directory or "/", DIRECTORY)
        try:
            fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        finally:
            os.close(parent)
        try:
            _require_own(os.fstat(fd), request)
            # The supervisor is root without the right to pass over modes. As its owner it opens the socket for itself.
            os.chmod(f"/proc/self/fd/{fd}", 0o666)  # noqa: S103, PTH101 - not what lies at the path
        except BaseException:
            os.close(fd)
            raise
    return fd


def _require_own(status: os.stat_result, request: pb.CallPlugin) -> None:
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != request.owner_uid:
        raise Refused(
            pb.FAILURE_CODE_INVALID,
            f"what lies at {printable(request.socket)} is no socket of uid {request.owner_uid}",
        )


def _no_answer(code: grpc.StatusCode, details: str) -> pb.CallPluginResult:
    return pb.CallPluginResult(status=code.value[0], details=printable(details)[:DETAILS_CHARACTERS])
