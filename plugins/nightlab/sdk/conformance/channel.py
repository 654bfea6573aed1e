"""Unary calls over a plugin's Unix socket, from any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import grpc

from nightlab.sdk.conformance.target import MESSAGE_BYTES, SERVICE, CallError

LOOK_S: Final = 0.05
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 250),
)


class Channel:
    """A connection to one socket, given up as soon as who serves there is gone."""

    def __init__(self, socket: str, is_alive: Callable[[], bool]) -> None:
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=_OPTIONS)
        self._is_alive = is_alive

    def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Make one call.

        Raises:
            CallError: There is no answer.
        """
        ask: Any = self._channel.unary_unary(f"/{SERVICE}/{method}", None, None)
        going = ask.future(request, timeout=timeout_s, wait_for_ready=wait_for_ready)
        while True:
            try:
                answer: bytes = going.result(timeout=LOOK_S if wait_for_ready else None)
            except grpc.FutureTimeoutError:
                if not self._is_alive():
                    going.cancel()
                    raise CallError(grpc.StatusCode.UNAVAILABLE, "it ended before it answered") from None
            except grpc.RpcError as error:
                raise CallError(going.code(), going.details() or "") from error
            else:
                return answer

    def close(self) -> None:
        """Break off what is under way."""
        self._channel.close()
