"""Where a plugin runs, as its worker knows it: something that starts, carries unary calls as bytes, and ends.

A process of the host, a container and a plugin under a debugger are each one of these. What the bytes mean belongs to
`worker`; the service's methods are those of nightlab.api.plugin.v1.
"""

from __future__ import annotations

from typing import Final, Protocol

import grpc

SERVICE: Final = "nightlab.api.plugin.v1.ActionPluginService"
METHODS: Final = ("GetPluginInfo", "ListActions", "CheckAction", "ApplyAction", "ObserveOutcomes")
MESSAGE_BYTES: Final = 4 * 2**20
"""Of a request or an answer, at most."""


class CallFailed(Exception):
    """A call that ended without an answer.

    Attributes:
        code: gRPC's status.
        details: The plugin's own words, untrusted.
    """

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details


class PluginRuntime(Protocol):
    """One life of a plugin. Made for one start; after `stop` another one is made."""

    @property
    def where(self) -> str:
        """Where it runs, for people and the log: "process 812", "container nightlab-...", "attached"."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        ...

    async def start(self) -> None:
        """Start it. The plugin's socket may not be bound yet.

        Raises:
            OSError: It cannot be started.
        """
        ...

    async def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call.

        Args:
            method: One of METHODS.
            request: Serialized, at most MESSAGE_BYTES.
            timeout_s: For all of it.
            wait_for_ready: Whether to wait for the plugin to bind its socket; for the first call.

        Raises:
            CallFailed: There is no answer. A timeout is DEADLINE_EXCEEDED, an answer over MESSAGE_BYTES
                RESOURCE_EXHAUSTED, a plugin that is gone UNAVAILABLE.
        """
        ...

    async def wait(self) -> None:
        """Wait until it has ended by itself."""
        ...

    async def stop(self, *, gently: bool) -> str:
        """End it with all that it started, and tell how it ended and what it said last, for an error's text."""
        ...
