"""Turns what a sample run took into limits for trials: room for a search, and an end for what hangs."""

from __future__ import annotations

import math
from typing import Final

from nightlab.controller.config.schema import GiB, MiB

LEAST_TIMEOUT_S: Final = 60.0
SHORT_RUN_S: Final = 600.0
SHORT_FACTOR: Final = 8.0
LONG_FACTOR: Final = 3.0
STEPS_S: Final = (60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600)
LEAST_MEMORY: Final = 512 * MiB
MEMORY_FACTOR: Final = 2.0
ONE_CORE: Final = 1.25  # a run that keeps this many cores busy gains little from a second one


def timeout_for(wall_s: float) -> float:
    """Return the wall limit for runs of this length, in round seconds."""
    wanted = max(LEAST_TIMEOUT_S, wall_s * (SHORT_FACTOR if wall_s < SHORT_RUN_S else LONG_FACTOR))
    hours = math.ceil(wanted / 3600) * 3600.0
    return float(next((step for step in STEPS_S if step >= wanted), hours))


def memory_for(peak_bytes: int, most: int) -> int:
    """Return the memory limit for runs with this peak, no more than there is for one trial."""
    wanted = max(LEAST_MEMORY, int(peak_bytes * MEMORY_FACTOR) + 128 * MiB)
    unit = 256 * MiB if wanted < 2 * GiB else GiB
    return min(math.ceil(wanted / unit) * unit, most // MiB * MiB)


def cpus_for(cpu_s: float, train_s: float, most: int) -> float:
    """Return how many cores a run made use of, at least one."""
    used = cpu_s / train_s if train_s > 0 else 1.0
    return 1.0 if used <= ONE_CORE else float(min(most, math.ceil(used)))


def workspace_for(written_bytes: int, default: int) -> int:
    """Return the room for what a run writes."""
    return max(default, math.ceil(written_bytes * 3 / GiB) * GiB)


def toml_bytes(value: int) -> str:
    """Write a size as the config takes it and a person reads it."""
    return f"{value // GiB}g" if value % GiB == 0 else f"{value // MiB}m"


def toml_seconds(value: float) -> str:
    """Write a duration as the config takes it and a person reads it."""
    seconds = int(value)
    if seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"
