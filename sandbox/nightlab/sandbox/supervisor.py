"""Keeps the link alive and ends the supervisor: by the host's word, by a signal, or when the host is gone for good."""

from __future__ import annotations

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
import grpc.aio

from nightlab.api.sandbox.v1 import sandbox_pb2_grpc as pb_grpc
from nightlab.sandbox import log
from nightlab.sandbox.commands import Commands
from nightlab.sandbox.handlers import Handlers
from nightlab.sandbox.jobs import JobTable
from nightlab.sandbox.session import Session
from nightlab.sandbox.transfers import Transfers

MESSAGE_BYTES: Final = 4 * 1024 * 1024 + 128 * 1024  # a plugin's largest message and what is around it
FIRST_GRACE_S: Final = 120.0  # until a Welcome names another
RETRY_S: Final = (0.05, 0.25)
THREADS: Final = 4
EXIT_TOLD: Final = 0
EXIT_NO_HOST: Final = 70
_WATCH_S: Final = 0.25
_FAREWELL_S: Final = 1.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", int(RETRY_S[0] * 1000)),
    ("grpc.min_reconnect_backoff_ms", int(RETRY_S[0] * 1000)),
    ("grpc.max_reconnect_backoff_ms", int(RETRY_S[1] * 1000)),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


class Supervisor:
    """Dials the host's socket for as long as it lives."""

    def __init__(self, socket: str, *, helper: str) -> None:
        self._socket = socket
        self._boot_id = os.urandom(16).hex()
        self._jobs = JobTable(helper=helper)
        self._handlers = Handlers(self._jobs, self._told_to_end)
        self._commands = Commands(self._handlers.table())
        self._ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._leaving = False
        self._alone_s = 0.0
        self._grace_s = FIRST_GRACE_S

    async def run(self) -> int:
        """Serve until the end.

        Returns:
            The exit status: 0 when told to end, 70 when the host was gone for longer than the grace.
        """
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="disk"))
        for number in (signal.SIGTERM, signal.SIGINT):  # PID 1 has no default for them: without a handler they vanish
            loop.add_signal_handler(number, self._end, EXIT_TOLD)
        tasks = [asyncio.ensure_future(self._stay_linked()), asyncio.ensure_future(self._watch_for_host())]
        try:
            return await self._ending
        finally:
            self._jobs.kill_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, status: int) -> None:
        if not self._ending.done():
            self._ending.set_result(status)

    def _told_to_end(self) -> None:
        """End when the host has the answer and closes the stream, or soon anyway."""
        self._leaving = True
        asyncio.get_running_loop().call_later(_FAREWELL_S, self._end, EXIT_TOLD)

    async def _stay_linked(self) -> None:
        pause_s = RETRY_S[0]
        async with grpc.aio.insecure_channel(f"unix:{self._socket}", options=_OPTIONS) as channel:
            stub: pb_grpc.SandboxLinkServiceAsyncStub = pb_grpc.SandboxLinkServiceStub(channel)
            while True:
                had_host = await self._converse(stub)
                pause_s = RETRY_S[0] if had_host else min(pause_s * 2, RETRY_S[1])
                await asyncio.sleep(pause_s)

    async def _converse(self, stub: pb_grpc.SandboxLinkServiceAsyncStub) -> bool:
        """Hold one session; tell whether a host answered."""
        stream = stub.Connect(wait_for_ready=True)
        session = Session(stream, self._jobs, self._commands, lambda: self._heard(session))
        self._handlers.transfers = Transfers(stub)
        try:
            await session.run(self._boot_id)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError) as error:
            reason = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
            log.event("link.broken", reason=reason or type(error).__name__)
        finally:
            self._handlers.transfers = None
            stream.cancel()
        if self._leaving:
            self._end(EXIT_TOLD)
        return session.welcome is not None

    def _heard(self, session: Session) -> None:
        self._alone_s = 0.0
        if session.welcome is not None and session.welcome.grace_ms:
            self._grace_s = session.welcome.grace_ms / 1000

    async def _watch_for_host(self) -> None:
        """Count the time without a host in steps that were lived through: a frozen container does not count."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(_WATCH_S)
            self._alone_s += min(loop.time() - before, 2 * _WATCH_S)
            if self._alone_s > self._grace_s:
                log.event("host.lost", grace_s=self._grace_s)
                self._end(EXIT_NO_HOST)
                return
