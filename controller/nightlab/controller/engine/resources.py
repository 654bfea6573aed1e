"""How many trials fit on this machine at a time, and which cores each of them gets."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

GiB: Final = 2**30
CONTROLLER_BYTES: Final = 1 * GiB
"""Left for the controller, the engine and the page cache; at most a quarter of a small machine."""
FEWEST_TO_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class Capacity:
    """What trials may use together.

    Attributes:
        cores: Core numbers that trials may run on.
        memory_bytes: Memory for all trials.
        gpus: How many GPUs.
    """

    cores: tuple[int, ...]
    memory_bytes: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """What one trial takes: a container's limits, a workspace in memory included."""

    cpus: float
    memory_bytes: int
    gpus: int = 0


def machine_capacity(cores: Collection[int], memory_bytes: int, gpus: int) -> Capacity:
    """Leave room for the controller: one core where there are four or more, and some memory.

    It sleeps while trials train, so on a small machine a core of its own would only halve the night.

    Args:
        cores: Cores that this process may run on, as `os.sched_getaffinity(0)` gives them.
        memory_bytes: Memory of the machine.
        gpus: How many GPUs it has.
    """
    numbers = tuple(sorted(cores))
    for_trials = numbers[1:] if len(numbers) >= FEWEST_TO_SHARE else numbers
    return Capacity(for_trials, memory_bytes - min(CONTROLLER_BYTES, memory_bytes // 4), gpus)


def available_cores() -> frozenset[int]:
    """Cores that this process may run on."""
    return frozenset(os.sched_getaffinity(0))


def how_many_fit(capacity: Capacity, demand: Demand) -> int:
    """Say how many trials fit at a time; 0 if not even one does."""
    bounds = [
        math.floor(len(capacity.cores) / demand.cpus + 1e-9),
        capacity.memory_bytes // demand.memory_bytes,
    ]
    if demand.gpus:
        bounds.append(capacity.gpus // demand.gpus)
    return max(0, min(bounds))


def what_is_short(capacity: Capacity, demand: Demand) -> str | None:
    """Say in words what keeps one trial from fitting, or None if it fits."""
    if demand.gpus > capacity.gpus:
        return f"train.gpus is {demand.gpus} and this machine has {capacity.gpus}"
    if demand.memory_bytes > capacity.memory_bytes:
        return f"train.memory needs {demand.memory_bytes} bytes and {capacity.memory_bytes} are there for trials"
    if demand.cpus > len(capacity.cores):
        return f"train.cpus is {demand.cpus:g} and {len(capacity.cores)} cores are there for trials"
    return None


class Cores:
    """Lends whole cores, so that trials that run at a time do not disturb each other's times.

    Args:
        numbers: The cores to lend.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._all = frozenset(numbers)
        self._free = set(self._all)
        self._lock = threading.Lock()

    def acquire(self, cpus: float) -> str:
        """Take as many whole cores as cover a share.

        Returns:
            A cpuset such as "2,3"; empty when not so many are free: then any core may be used.
        """
        count = math.ceil(cpus)
        with self._lock:
            if count > len(self._free):
                return ""
            taken = sorted(self._free)[:count]
            self._free.difference_update(taken)
        return ",".join(map(str, taken))

    def adopt(self, cpuset: str) -> None:
        """Take the cores that a container has already."""
        with self._lock:
            self._free.difference_update(_numbers(cpuset))

    def release(self, cpuset: str) -> None:
        """Give cores back. The empty cpuset and a second release do nothing."""
        with self._lock:
            self._free.update(self._all & _numbers(cpuset))


def _numbers(cpuset: str) -> frozenset[int]:
    return frozenset(int(number) for number in cpuset.split(",") if number)
