"""Unary calls over a plugin's Unix socket that lies on the host: of a worker process, or of one under a debugger."""

from __future__ import annotations

from typing import Any, Final

import grpc
import grpc.aio

from nightlab.controller.actions.runtime import MESSAGE_BYTES, SERVICE, CallFailed

_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 250),
)


class PluginChannel:
    """A connection to one socket."""

    def __init__(self, socket: str) -> None:
        self._channel = grpc.aio.insecure_channel(f"unix:{socket}", options=_OPTIONS)

    async def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Make one call.

        Raises:
            CallFailed: There is no answer.
        """
        ask: Any = self._channel.unary_unary(f"/{SERVICE}/{method}", None, None)
        try:
            answer: bytes = await ask(request, timeout=timeout_s, wait_for_ready=wait_for_ready)
        except grpc.aio.AioRpcError as error:
            raise CallFailed(error.code(), error.details() or "") from error
        return answer

    async def close(self) -> None:
        """Break off what is under way."""
        await self._channel.close()
