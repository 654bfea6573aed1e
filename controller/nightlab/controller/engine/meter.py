"""Measures what a run takes, from outside the container: nothing in it is asked.

Peak memory is sampled anonymous plus shared memory, less what the supervisor had at the launch and less the files of a
workspace that lies in memory. The kernel's own maximum counts page cache and is kept apart. Wall time is the walk's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nightlab.controller.engine.cgroup import Cgroup, find_cgroup
from nightlab.controller.engine.gpus import GpuReader

PERIOD_S: Final = 0.1
GPU_EVERY: Final = 5
"""Samples of memory per sample of GPU memory: NVML takes milliseconds."""
STOP_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter saw.

    Attributes:
        peak_memory_bytes: Largest sampled anonymous plus shared memory since the launch, above the baseline; None if
            the groups could never be read.
        baseline_bytes: The same at the launch, taken off.
        kernel_peak_bytes: The kernel's maximum of the whole container, page cache included; None where it keeps none.
        oom_kills: Processes that the kernel killed for want of memory.
        peak_gpu_bytes: Largest sampled GPU memory of the container's processes; None without a GPU or without NVML.
        cpu_s: Processor time since the launch.
        samples: How many since the launch.
    """

    peak_memory_bytes: int | None
    baseline_bytes: int
    kernel_peak_bytes: int | None
    oom_kills: int
    peak_gpu_bytes: int | None
    cpu_s: float
    samples: int


class Meter:
    """Samples one running container on a thread of its own.

    Args:
        pid: Of the container's first process, on the host.
        workspace_path: Where a workspace in memory is mounted in the container; None for one on disk.
        gpus: Reads GPU memory of a set of processes; None without a GPU.
        find: Finds the groups of a process.
        period_s: Between samples.
    """

    def __init__(
        self,
        pid: int,
        *,
        workspace_path: str | None = None,
        gpus: GpuReader | None = None,
        find: Callable[[int], Cgroup | None] = find_cgroup,
        period_s: float = PERIOD_S,
    ) -> None:
        self._cgroup = find(pid)
        self._workspace = None if workspace_path is None else Path(f"/proc/{pid}/root") / workspace_path.lstrip("/")
        self._gpus = gpus
        self._period_s = period_s
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._sample_until_ended, name=f"meter-{pid}", daemon=True)
        self._peak: int | None = None
        self._baseline = 0
        self._kernel_peak: int | None = None
        self._oom_kills = 0
        self._gpu_peak: int | None = None
        self._cpu_at_launch_s = 0.0
        self._cpu_now_s = 0.0
        self._samples = 0

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def mark_launch(self) -> None:
        """Take what is in use now as the supervisor's own, and measure what comes above it."""
        with self._lock:
            self._baseline = self._used_bytes() or 0
            self._cpu_at_launch_s = (self._cgroup and self._cgroup.cpu_s()) or 0.0
            self._peak, self._gpu_peak, self._samples = None, None, 0

    def read(self) -> Reading:
        """Say what was seen so far, after one more sample."""
        self._sample(with_gpu=True)
        with self._lock:
            above = None if self._peak is None else max(0, self._peak - self._baseline)
            cpu_s = max(0.0, self._cpu_now_s - self._cpu_at_launch_s)
            return Reading(
                above, self._baseline, self._kernel_peak, self._oom_kills, self._gpu_peak, cpu_s, self._samples
            )

    def stop(self) -> Reading:
        """End the sampling and say what was seen. May be called again."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)
        return self.read()

    def _sample_until_ended(self) -> None:
        count = 0
        while not self._ended.wait(self._period_s):
            self._sample(with_gpu=count % GPU_EVERY == 0)
            count += 1

    def _sample(self, *, with_gpu: bool) -> None:
        """Keep the largest values; those of a group that has gone stay what they were."""
        if self._cgroup is None:
            return
        gpu = self._gpus.used_bytes(self._cgroup.pids()) if self._gpus is not None and with_gpu else None
        with self._lock:
            used = self._used_bytes()
            if used is None:
                return
            self._samples += 1
            self._peak = _larger(self._peak, used)
            self._gpu_peak = _larger(self._gpu_peak, gpu)
            self._kernel_peak = _larger(self._kernel_peak, self._cgroup.kernel_peak_bytes())
            self._oom_kills = max(self._oom_kills, self._cgroup.oom_kills() or 0)
            self._cpu_now_s = max(self._cpu_now_s, self._cgroup.cpu_s() or 0.0)

    def _used_bytes(self) -> int | None:
        used = None if self._cgroup is None else self._cgroup.used_bytes()
        return None if used is None else max(0, used - self._workspace_bytes())

    def _workspace_bytes(self) -> int:
        """Files of a workspace in memory. It is mounted on a read-only file system: nothing inside can move it."""
        if self._workspace is None:
            return 0
        try:
            space = os.statvfs(self._workspace)
        except OSError:
            return 0  # not root, or the container has ended; then its files count as memory of the run
        return (space.f_blocks - space.f_bfree) * space.f_frsize


def _larger(one: int | None, other: int | None) -> int | None:
    values: Sequence[int] = [value for value in (one, other) if value is not None]
    return max(values, default=None)
