"""Reads a container's control group from the host: memory, processor time, out-of-memory kills, processes.

Both cgroup versions; a group that has gone reads as None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The directories of one container's groups.

    Attributes:
        version: 1 or 2.
        memory: Of the memory controller.
        cpu: Of the accounting of processor time.
    """

    version: int
    memory: Path
    cpu: Path

    def used_bytes(self) -> int | None:
        """Anonymous plus shared memory of all processes: what cannot be taken back by dropping caches."""
        stat = _table(self.memory / "memory.stat")
        names = ("total_rss", "total_shmem") if self.version == 1 else ("anon", "shmem")
        return None if stat is None else sum(stat.get(name, 0) for name in names)

    def kernel_peak_bytes(self) -> int | None:
        """The kernel's own maximum, page cache included; None where it keeps none (v2 before Linux 5.19)."""
        return _number(self.memory / ("memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"))

    def oom_kills(self) -> int | None:
        """How many processes the kernel killed for want of memory."""
        stat = _table(self.memory / ("memory.oom_control" if self.version == 1 else "memory.events"))
        return None if stat is None else stat.get("oom_kill", 0)

    def cpu_s(self) -> float | None:
        """Processor time of all processes so far."""
        if self.version == 1:
            nanoseconds = _number(self.cpu / "cpuacct.usage")
            return None if nanoseconds is None else nanoseconds / 1e9
        stat = _table(self.cpu / "cpu.stat")
        return None if stat is None else stat.get("usage_usec", 0) / 1e6

    def pids(self) -> frozenset[int]:
        """Its processes, by their host ids; groups below it are not asked."""
        text = _text(self.memory / "cgroup.procs")
        return frozenset(int(word) for word in (text or "").split())


def find_cgroup(pid: int) -> Cgroup | None:
    """Find the groups of a container by its first process.

    Args:
        pid: On the host.

    Returns:
        None if the process is gone or its groups cannot be read.
    """
    lines = _text(_PROC / str(pid) / "cgroup")
    mounts = _text(_PROC / "self" / "mountinfo")
    if lines is None or mounts is None:
        return None
    roots = controller_roots(mounts)
    paths = controller_paths(lines)
    if "memory" in paths and "memory" in roots:
        memory, cpu = (_below(roots.get(name), paths.get(name)) for name in ("memory", "cpuacct"))
        return None if memory is None else Cgroup(1, memory, cpu or memory)
    unified = _below(roots.get(""), paths.get(""))
    return None if unified is None else Cgroup(2, unified, unified)


def controller_paths(lines: str) -> Mapping[str, str]:
    """Read /proc/PID/cgroup: controller -> path; the unified hierarchy's controller is ""."""
    paths = {}
    for line in lines.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def controller_roots(mountinfo: str) -> Mapping[str, tuple[Path, str]]:
    """Read /proc/self/mountinfo: controller -> (mount point, the group that is mounted there)."""
    roots = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, tail = before.split(), after.split()
        if len(fields) < 5 or len(tail) < 3 or tail[0] not in ("cgroup", "cgroup2"):
            continue
        names = [""] if tail[0] == "cgroup2" else tail[2].split(",")
        roots.update(dict.fromkeys(names, (Path(fields[4]), fields[3])))
    return roots


def _below(root: tuple[Path, str] | None, path: str | None) -> Path | None:
    """Where a group's directory is, if it exists; a mount may show a part of the hierarchy only."""
    if root is None or path is None:
        return None
    mount_point, mounted = root
    relative = path.removeprefix(mounted.rstrip("/")).lstrip("/")
    folder = mount_point / relative
    return folder if folder.is_dir() else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = (_text(path) or "").strip()
    return int(text) if text.isdigit() else None


def _table(path: Path) -> Mapping[str, int] | None:
    """Lines of "name number"."""
    text = _text(path)
    if text is None:
        return None
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
