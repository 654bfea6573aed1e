"""How much a plugin under check may take, and how often it is asked the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """How often a call is repeated and how much a plugin may take.

    Attributes:
        repeat: Times that the same call must have the same answer.
        start_s: From start to the first answer.
        call_s: For each later call.
        stop_s: From SIGTERM to the end.
        brisk_s: A call that takes longer is told of.
        memory_bytes: More is told of; a host's default limit kills there.
        printed_bytes: More output is told of.
    """

    repeat: int = 10
    start_s: float = 20.0
    call_s: float = 10.0
    stop_s: float = 2.0
    brisk_s: float = 2.0
    memory_bytes: int = 512 * 2**20
    printed_bytes: int = 64 * 2**10
