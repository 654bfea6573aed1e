"""GPUs by UUID: which there are, who has one, how much memory a container's processes take on them.

NVML says it, where there is a driver. A GPU is lent to one trial at a time among all controllers of this machine: the
lock is a file, and the kernel frees it when its controller dies.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import pynvml

from nightlab.controller.errors import EngineError

SHARED_FOLDERS: Final = (Path("/run/lock"), Path(tempfile.gettempdir()))


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        uuid: "GPU-..."; indices move between boots and containers, this does not.
        name: For people.
        memory_bytes: Its memory.
    """

    uuid: str
    name: str
    memory_bytes: int


class GpuReader(Protocol):
    """Reads the GPU memory of processes."""

    def used_bytes(self, pids: Collection[int]) -> int | None:
        """Sum over the processes; None if it cannot be told."""


def list_gpus(nvml: Any = pynvml) -> tuple[Gpu, ...]:
    """List the GPUs of this machine; empty without a driver."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()
    try:
        return tuple(_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError:
        return ()
    finally:
        with suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


class NvmlReader:
    """Reads GPU memory by NVML for the GPUs of one trial.

    Args:
        uuids: Of the GPUs.
        nvml: The binding.
    """

    def __init__(self, uuids: Sequence[str], nvml: Any = pynvml) -> None:
        self._nvml = nvml
        self._handles: list[Any] = []
        with suppress(nvml.NVMLError):
            nvml.nvmlInit()
            self._handles = [nvml.nvmlDeviceGetHandleByUUID(uuid) for uuid in uuids]

    def used_bytes(self, pids: Collection[int]) -> int | None:
        """Sum what the processes hold on the GPUs; None if NVML does not say."""
        try:
            processes = [
                process
                for handle in self._handles
                for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
                if process.pid in pids
            ]
        except self._nvml.NVMLError:
            return None
        sizes = [process.usedGpuMemory for process in processes if process.usedGpuMemory is not None]
        return sum(sizes) if sizes else None


class GpuLease:
    """GPUs that are ours until released. Also a context manager."""

    def __init__(self, uuids: tuple[str, ...], descriptors: tuple[int, ...]) -> None:
        self.uuids = uuids
        self._descriptors = descriptors

    def release(self) -> None:
        """Give them back. May be called again."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = ()

    def __enter__(self) -> GpuLease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class GpuPool:
    """The GPUs of this machine, shared with other controllers.

    Args:
        uuids: Of the GPUs that may be lent.
        folder: Where the lock files lie; the same for all controllers of the machine.
    """

    def __init__(self, uuids: Iterable[str], folder: Path | None = None) -> None:
        self._uuids = tuple(uuids)
        self._folder = folder or next(path for path in SHARED_FOLDERS if path.is_dir())

    def acquire(self, count: int, in_use: Collection[str] = ()) -> GpuLease | None:
        """Take GPUs, all or none.

        Args:
            count: How many.
            in_use: GPUs of running containers, whose controller may have died.

        Returns:
            None if not so many are free now.

        Raises:
            EngineError: The machine has not so many, or a lock file cannot be used.
        """
        if count > len(self._uuids):
            raise EngineError(f"train.gpus asks for {count} GPUs a trial and this machine shows {len(self._uuids)}")
        return self._take(count, [uuid for uuid in self._uuids if uuid not in in_use])

    def reacquire(self, uuids: Collection[str]) -> GpuLease | None:
        """Take the very GPUs that an adopted container has; None if another controller holds one."""
        return self._take(len(uuids), list(uuids))

    def _take(self, count: int, uuids: Sequence[str]) -> GpuLease | None:
        held: list[tuple[str, int]] = []
        for uuid in uuids:
            if len(held) < count and (descriptor := self._lock(uuid)) is not None:
                held.append((uuid, descriptor))
        lease = GpuLease(tuple(uuid for uuid, _ in held), tuple(descriptor for _, descriptor in held))
        if len(held) == count:
            return lease
        lease.release()
        return None

    def _lock(self, uuid: str) -> int | None:
        descriptor = self._open(self._folder / f"nightlab-{uuid.replace('/', '_')}.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _open(self, path: Path) -> int:
        """Open another user's file without O_CREAT: in a sticky directory the kernel would refuse even root."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with suppress(FileExistsError):
                return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            return os.open(path, flags)
        except OSError as error:
            raise EngineError(
                f"cannot use the GPU lock {path}: {error.strerror}; make it readable or remove it"
            ) from error


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    uuid, name = (_text(value) for value in (nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)))
    return Gpu(uuid, name, int(nvml.nvmlDeviceGetMemoryInfo(handle).total))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
