"""One Connect stream on the host's side: a bounded queue down, a bounded rate up. Knows no commands and no jobs."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import grpc.aio

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.controller.errors import LinkError
from nightlab.controller.link.limits import (
    HELLO_TIMEOUT_S,
    OUTBOX_MESSAGES,
    SMALL_EVENTS_BURST,
    SMALL_EVENTS_PER_S,
)

Stream = grpc.aio.ServicerContext[pb.ConnectRequest, pb.ConnectResponse]
_FREE: Final = frozenset({"output"})


class Connection:
    """The conversation with one supervisor until the stream ends."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._outbox: deque[pb.ConnectResponse] = deque()
        self._acks: dict[str, pb.OutputAck] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()
        self._tokens = float(SMALL_EVENTS_BURST)
        self._filled_at = time.monotonic()

    async def hello(self) -> pb.Hello:
        """Wait for the first message.

        Raises:
            LinkError: It is something else, or does not come.
        """
        try:
            async with asyncio.timeout(HELLO_TIMEOUT_S):
                first = await self._stream.read()
        except TimeoutError as error:
            raise LinkError(f"the sandbox sent no Hello within {HELLO_TIMEOUT_S:.0f} s") from error
        if not isinstance(first, pb.ConnectRequest) or first.WhichOneof("event") != "hello":
            raise LinkError("the sandbox sent something else before its Hello")
        return first.hello

    async def receive(self) -> pb.ConnectRequest | None:
        """Wait for the next event; None at the end of the stream.

        Raises:
            LinkError: Too many events in too short a time.
        """
        event = await self._stream.read()
        if not isinstance(event, pb.ConnectRequest):
            return None
        if event.WhichOneof("event") not in _FREE:
            self._spend()
        return event

    def _spend(self) -> None:
        now = time.monotonic()
        self._tokens = min(SMALL_EVENTS_BURST, self._tokens + (now - self._filled_at) * SMALL_EVENTS_PER_S) - 1
        self._filled_at = now
        if self._tokens < 0:
            raise LinkError(f"the sandbox sends more than {SMALL_EVENTS_PER_S:.0f} events a second")

    def send(self, **message: Any) -> None:
        """Queue one message, given by its field name.

        Raises:
            LinkError: The sandbox does not read what is sent to it.
        """
        if len(self._outbox) >= OUTBOX_MESSAGES:
            raise LinkError(f"the sandbox leaves {OUTBOX_MESSAGES} messages unread")
        self._outbox.append(pb.ConnectResponse(**message))
        self._wake.set()

    def acknowledge(self, ack: pb.OutputAck) -> None:
        """Queue an acknowledgement; one that waits for the same job is replaced."""
        self._acks[ack.job_id] = ack
        self._wake.set()

    def acknowledge_later(self, job_id: str, ends: Callable[[], pb.OutputAck], after_s: float) -> None:
        """Queue an acknowledgement of what is stored by then; one that is planned for the same job stays."""
        if job_id not in self._later:
            self._later[job_id] = asyncio.get_running_loop().call_later(after_s, self._acknowledge_now, job_id, ends)

    def _acknowledge_now(self, job_id: str, ends: Callable[[], pb.OutputAck]) -> None:
        del self._later[job_id]
        self.acknowledge(ends())

    async def transmit(self) -> None:
        """Send what is queued until cancelled; a job's output is acknowledged before its end is."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._acks or self._outbox:
                if self._acks:
                    ack = self._acks.pop(next(iter(self._acks)))
                    await self._stream.write(pb.ConnectResponse(output_ack=ack))
                else:
                    await self._stream.write(self._outbox.popleft())

    def close(self) -> None:
        """End the conversation from this side."""
        self._closed.set()

    async def closed(self) -> None:
        """Wait until it is closed from this side."""
        await self._closed.wait()
