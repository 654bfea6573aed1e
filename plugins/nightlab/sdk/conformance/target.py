"""What the kit checks: something that starts lives of a plugin, and one life that takes calls and ends.

A command on this machine is a `command.CommandTarget`; a host that can run containers brings its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import grpc

SERVICE: Final = "nightlab.api.plugin.v1.ActionPluginService"
SOCKET_VARIABLE: Final = "NIGHTLAB_PLUGIN_SOCKET"
MESSAGE_BYTES: Final = 4 * 2**20
"""Of a request or an answer, at most."""


class CallError(Exception):
    """A call without an answer.

    Attributes:
        code: gRPC's status.
        details: The plugin's own words.
    """

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details[:300]}")
        self.code = code
        self.details = details


class StartError(Exception):
    """The plugin cannot be started or does not answer its first call; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a life ended after it was asked to.

    Attributes:
        in_time: Whether it ended by itself before its patience did.
        how: In words: "exit status 0", "signal 15", "still running".
        is_clean: Whether the status is 0 or that of the signal itself.
        left: Processes that it started and left behind.
    """

    in_time: bool
    how: str
    is_clean: bool
    left: int = 0


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of a life so far.

    Attributes:
        peak_memory_bytes: Of all its processes; None: not known here.
        printed_bytes: On stdout and stderr together.
        last_words: The end of that.
        walls: What confines it, by name, and whether it does; empty where nothing should.
    """

    peak_memory_bytes: int | None = None
    printed_bytes: int = 0
    last_words: str = ""
    walls: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bare:
    """What a plugin did that was started by hand, without a socket to bind.

    Attributes:
        status: Its exit status; None: it did not end.
        words: What it printed.
    """

    status: int | None
    words: str


class Life(Protocol):
    """One start of a plugin."""

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        ...

    def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call; several threads may do so at once.

        Raises:
            CallError: There is no answer.
        """
        ...

    def terminate(self, patience_s: float) -> Ended:
        """Send SIGTERM, wait so long, then end it and all it started."""
        ...

    def kill(self) -> None:
        """End it and all it started at once."""
        ...

    def watched(self) -> Watched:
        """Tell what was seen of it; also after its end."""
        ...


class Target(Protocol):
    """A plugin that can be started again and again."""

    def start(self) -> Life:
        """Start a life. Its socket may not be bound yet.

        Raises:
            StartError: It cannot be started.
        """
        ...

    def start_bare(self, timeout_s: float) -> Bare | None:
        """Start it without NIGHTLAB_PLUGIN_SOCKET and wait for its end; None: that is not possible here.

        Raises:
            StartError: It cannot be started.
        """
        ...
