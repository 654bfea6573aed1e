"""Serves one sandbox on one socket. The handler's closure is the caller's identity: there is nobody else to serve."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.api.sandbox.v1 import sandbox_pb2_grpc as pb_grpc
from nightlab.controller.errors import LinkError, NightlabError, SandboxLost
from nightlab.controller.link.blobs import BlobSource, NotServed, Serving
from nightlab.controller.link.endpoint import Endpoint
from nightlab.controller.link.exchange import Exchange, Timing, unstorable
from nightlab.controller.link.job import open_job
from nightlab.controller.link.journal import Journal
from nightlab.controller.link.limits import CHUNK_TIMEOUT_S, SERVER_OPTIONS
from nightlab.controller.link.receiving import StagedFile, Unwelcome
from nightlab.controller.link.sandbox import Sandbox

_STOP_GRACE_S: Final = 0.2


class LinkServer:
    """The host's end of one sandbox's link.

    Args:
        directory: For the socket alone; mounted read-only into the container. Made if missing, never removed.
        blobs: Where contents of trees come from.
        journal: File that remembers the sandbox's jobs across this process's death; beside, not in, the directory.
        heartbeat_s: How often both sides beat.
        lost_after_s: Silence after which the sandbox is lost.
        grace_s: How long the supervisor lives without a host.
    """

    def __init__(
        self,
        directory: Path,
        *,
        blobs: BlobSource,
        journal: Path,
        heartbeat_s: float = 1.0,
        lost_after_s: float = 5.0,
        grace_s: float = 120.0,
    ) -> None:
        self._endpoint = Endpoint(directory)
        self._serving = Serving(blobs)
        self._journal_path = journal
        self._timing = Timing(heartbeat_s, lost_after_s, grace_s)
        self._journal: Journal | None = None
        self._exchange: Exchange | None = None
        self._server: grpc.aio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._sandbox: Sandbox | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            LinkError: The socket's path is too long, not ours, or served by another process.
            StoreError: The journal cannot be read.
        """
        self._endpoint.claim()
        try:
            self._journal = Journal(self._journal_path)
            self._exchange = Exchange(self._journal, self._timing, open_job)
            self._sandbox = Sandbox(self._exchange, self._journal, self._serving)
            await self._listen(self._exchange)
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.ensure_future(self._exchange.watch())

    async def _listen(self, exchange: Exchange) -> None:
        self._server = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=None)
        pb_grpc.add_SandboxLinkServiceServicer_to_server(_Service(exchange, self._serving), self._server)
        if self._server.add_insecure_port(f"unix:{self._endpoint.socket}") == 0:
            raise LinkError(f"cannot listen on {self._endpoint.socket}")
        self._endpoint.open_to_supervisor()
        await self._server.start()

    async def connected(self, timeout_s: float) -> Sandbox:
        """Wait for the supervisor.

        Returns:
            The sandbox; the same one at every call.

        Raises:
            SandboxLost: None came in time, or it is gone.
            LinkError: It broke the protocol.
        """
        if self._exchange is None or self._sandbox is None:
            raise LinkError("the link was not started")
        await self._exchange.connected(timeout_s)
        return self._sandbox

    async def stop(self) -> None:
        """Stop listening; waits raise SandboxLost. The supervisor keeps its jobs until its grace ends."""
        if self._exchange is not None:
            self._exchange.fail(SandboxLost("the link to the sandbox was closed"))
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._server is not None:
            await self._server.stop(_STOP_GRACE_S)
            self._server = None
        if self._journal is not None:
            self._journal.close()
        self._endpoint.release()


class _Service(pb_grpc.SandboxLinkServiceServicer):
    """The calls of one sandbox."""

    def __init__(self, exchange: Exchange, serving: Serving) -> None:
        self._exchange = exchange
        self._serving = serving

    async def Connect(self, request_iterator: Any, context: Any) -> None:  # type: ignore[override]  # noqa: N802
        """Hold the conversation."""
        del request_iterator
        try:
            await self._exchange.serve(context)
        except NightlabError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    async def FetchBlobs(  # noqa: N802
        self, request: pb.FetchBlobsRequest, context: Any
    ) -> AsyncIterator[pb.FetchBlobsResponse]:
        """Bring contents in."""
        try:
            async for part in self._serving.serve(request.sha256):
                yield part
        except NotServed as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))

    async def PushBlob(self, request_iterator: Any, context: Any) -> pb.PushBlobResponse:  # noqa: N802
        """Take a content out."""
        del request_iterator
        staged: StagedFile | None = None
        try:
            first = await _next(context)
            if first is None or (receiver := self._exchange.receivers.get(first.command_id)) is None:
                raise Unwelcome("no command asked for this content")
            staged = await asyncio.to_thread(receiver.begin, first.path)
            while (part := await _next(context)) is not None:
                if not part.data:
                    raise Unwelcome("an empty part")
                await asyncio.to_thread(staged.write, part.data)
            return pb.PushBlobResponse(sha256=staged.complete())
        except (Unwelcome, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._exchange.fail(unstorable(error))
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
            raise AssertionError("abort raises") from error
        finally:
            if staged is not None and not staged.is_complete:
                staged.discard()


async def _next(context: Any) -> pb.PushBlobRequest | None:
    try:
        async with asyncio.timeout(CHUNK_TIMEOUT_S):
            message = await context.read()
    except TimeoutError as error:
        raise Unwelcome(f"no part came for {CHUNK_TIMEOUT_S:.0f} s") from error
    return message if isinstance(message, pb.PushBlobRequest) else None
