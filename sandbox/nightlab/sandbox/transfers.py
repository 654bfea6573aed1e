"""Moves file contents over the link: in by hash, out by path. Disk work happens on threads, the link on the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
import grpc.aio

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.api.sandbox.v1 import sandbox_pb2_grpc as pb_grpc
from nightlab.sandbox.errors import LinkBroken, Refused

CHUNK_BYTES: Final = 256 * 1024
BATCH_BYTES: Final = 1024 * 1024
BATCH_PARTS: Final = 256
TRANSFER_TIMEOUT_S: Final = 900.0
_HOST_GONE: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)


@dataclass(frozen=True, slots=True)
class BlobPart:
    """A part of one content: its index in the request, the bytes, and whether it is the content's last."""

    index: int
    data: bytes
    is_last: bool


class Outgrown(Exception):
    """A file grew past its limit while it was read."""


class Transfers:
    """The two blob streams of one connection."""

    def __init__(self, stub: pb_grpc.SandboxLinkServiceAsyncStub) -> None:
        self._stub = stub

    async def fetch(self, hashes: Sequence[bytes], write: Callable[[list[BlobPart]], None]) -> None:
        """Fetch contents in the order asked and hand them to a blocking writer, one batch at a time.

        While a batch is written the next one is received.

        Raises:
            Refused: The host has no such content, or sent parts out of order.
            LinkBroken: The host went away.
        """
        if not hashes:
            return
        writing: asyncio.Future[None] | None = None
        try:
            async for batch in self._batches(hashes):
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(asyncio.to_thread(write, batch))
            if writing is not None:
                await writing
        except grpc.aio.AioRpcError as error:
            raise _told(error, "fetching contents") from error
        finally:
            if writing is not None and not writing.done():
                await asyncio.wait([writing])

    async def _batches(self, hashes: Sequence[bytes]) -> AsyncIterator[list[BlobPart]]:
        call = self._stub.FetchBlobs(pb.FetchBlobsRequest(sha256=hashes), timeout=TRANSFER_TIMEOUT_S)
        batch: list[BlobPart] = []
        held = expected = 0
        async for part in call:
            if part.index != expected or expected >= len(hashes):
                raise Refused(pb.FAILURE_CODE_MISMATCH, f"content {part.index} came where {expected} was due")
            batch.append(BlobPart(part.index, part.data, part.last))
            held += len(part.data)
            expected += part.last
            if held >= BATCH_BYTES or len(batch) >= BATCH_PARTS:
                yield batch
                batch, held = [], 0
        if expected != len(hashes):
            raise Refused(pb.FAILURE_CODE_MISMATCH, f"{len(hashes) - expected} contents did not come")
        if batch:
            yield batch

    async def push(self, command_id: str, path: str, fd: int, max_bytes: int) -> bytes:
        """Send an open file's content to its end and return the host's hash of it.

        Raises:
            Outgrown: It is larger than max_bytes by now; the host drops what it has.
            Refused: The host does not want it.
            LinkBroken: The host went away.
        """
        call = self._stub.PushBlob(timeout=TRANSFER_TIMEOUT_S)
        sent = 0
        try:
            await call.write(pb.PushBlobRequest(command_id=command_id, path=path))
            while chunk := await asyncio.to_thread(os.read, fd, CHUNK_BYTES):
                sent += len(chunk)
                if sent > max_bytes:
                    raise Outgrown(path)
                await call.write(pb.PushBlobRequest(data=chunk))
            await call.done_writing()
            return (await call).sha256
        except grpc.aio.AioRpcError as error:
            raise _told(error, f"sending {path}") from error
        except asyncio.InvalidStateError as error:  # the call ended under the write; its status says why
            raise Refused(pb.FAILURE_CODE_INTERNAL, f"sending {path}: {await call.details()}") from error
        finally:
            call.cancel()


def _told(error: grpc.aio.AioRpcError, what: str) -> Exception:
    if error.code() in _HOST_GONE:
        return LinkBroken(what)
    code = pb.FAILURE_CODE_NOT_FOUND if error.code() == grpc.StatusCode.NOT_FOUND else pb.FAILURE_CODE_INTERNAL
    return Refused(code, f"{what}: {error.details()}")
