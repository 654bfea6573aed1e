"""Peak memory is what a run took, not what the kernel cached for it."""

import os
import subprocess
import sys

import pytest

from nightlab.controller.engine import VolumeMount
from nightlab.controller.engine.cgroup import Cgroup, controller_paths, controller_roots
from nightlab.controller.engine.meter import Meter

MiB = 2**20

ALLOCATE = """
import time
held = bytearray(b"x") * (150 << 20)
deadline = time.monotonic() + 0.4
while time.monotonic() < deadline: time.sleep(0.05)
"""
WRITE_AND_READ = """
with open("/work/file", "wb") as file:
    for _ in range(40): file.write(bytes(1 << 20))
with open("/work/file", "rb") as file:
    while file.read(1 << 20): pass
"""


@pytest.mark.docker
async def test_memory_held_for_a_moment_is_seen(make_spec, run_spec):
    reading = (await run_spec(make_spec(ALLOCATE))).reading
    assert 150 * MiB <= reading.peak_memory_bytes <= 180 * MiB
    assert reading.kernel_peak_bytes >= reading.peak_memory_bytes
    assert reading.samples > 3
    assert reading.cpu_s > 0


@pytest.mark.docker
async def test_page_cache_is_not_memory(make_spec, run_spec, workspace):
    reading = (await run_spec(make_spec(WRITE_AND_READ, volumes=(workspace,)))).reading
    assert reading.peak_memory_bytes < 25 * MiB
    assert reading.kernel_peak_bytes > 40 * MiB


@pytest.mark.docker
async def test_files_of_a_workspace_in_memory_are_not_memory_of_the_run(engine, make_spec, run_spec, study_id):
    volume = await engine.make_workspace(f"nightlab-{study_id}-mem", 64 * MiB, "tmpfs", study_id=study_id)
    assert volume.memory_bytes == 64 * MiB
    spec = make_spec(WRITE_AND_READ, volumes=(VolumeMount(volume.name, "/work", read_only=False),))
    with_it = (await run_spec(spec, workspace_in_memory="/work")).reading
    without = (await run_spec(spec)).reading
    assert with_it.peak_memory_bytes < 25 * MiB
    assert without.peak_memory_bytes > 39 * MiB


def test_both_cgroup_versions_are_read(tmp_path):
    old, new = tmp_path / "v1", tmp_path / "v2"
    old.mkdir()
    new.mkdir()
    (old / "memory.stat").write_text("cache 9\nrss 1\ntotal_rss 100\ntotal_shmem 20\n")
    (old / "memory.max_usage_in_bytes").write_text("500\n")
    (old / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    (old / "cpuacct.usage").write_text("2500000000\n")
    (old / "cgroup.procs").write_text("7\n8\n")
    (new / "memory.stat").write_text("anon 100\nfile 9\nshmem 20\n")
    (new / "memory.peak").write_text("500\n")
    (new / "memory.events").write_text("low 0\noom 4\noom_kill 3\n")
    (new / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (new / "cgroup.procs").write_text("7\n8\n")
    for group in (Cgroup(1, old, old), Cgroup(2, new, new)):
        assert group.used_bytes() == 120
        assert group.kernel_peak_bytes() == 500
        assert group.oom_kills() == 3
        assert group.cpu_s() == 2.5
        assert group.pids() == {7, 8}


def test_a_group_that_has_gone_reads_as_none(tmp_path):
    for version in (1, 2):
        group = Cgroup(version, tmp_path / "gone", tmp_path / "gone")
        assert group.used_bytes() is None
        assert group.kernel_peak_bytes() is None
        assert group.oom_kills() is None
        assert group.cpu_s() is None
        assert group.pids() == frozenset()


def test_controllers_are_found_by_their_mount_points():
    mounts = (
        "36 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
        "37 30 0:30 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "38 30 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "39 30 8:1 / / rw - ext4 /dev/sda rw\n"
    )
    roots = controller_roots(mounts)
    assert str(roots["cpuacct"][0]) == "/sys/fs/cgroup/cpu,cpuacct"
    assert roots["memory"][1] == "/docker/ab"
    assert str(roots[""][0]) == "/sys/fs/cgroup/unified"
    paths = controller_paths("11:memory:/docker/ab/x\n3:cpu,cpuacct:/docker/ab\n0::/system.slice/a.scope\n")
    assert paths == {
        "memory": "/docker/ab/x",
        "cpu": "/docker/ab",
        "cpuacct": "/docker/ab",
        "": "/system.slice/a.scope",
    }


class ScriptedReader:
    """Says how much GPU memory processes hold, one answer a call."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def used_bytes(self, pids):
        self.asked.append(pids)
        return self.answers.pop(0) if self.answers else None


def _group(folder, used):
    (folder / "memory.stat").write_text(f"anon {used}\nshmem 0\n")
    (folder / "cgroup.procs").write_text("5\n")
    return Cgroup(2, folder, folder)


def test_the_baseline_is_taken_off_and_the_last_values_stay(tmp_path):
    gpus = ScriptedReader(10, 30, 20)
    meter = Meter(1, gpus=gpus, find=lambda pid: _group(tmp_path, 100))
    meter.mark_launch()
    _group(tmp_path, 250)
    assert meter.read().peak_memory_bytes == 150
    _group(tmp_path, 160)
    assert meter.read().peak_gpu_bytes == 30
    (tmp_path / "memory.stat").unlink()
    last = meter.stop()
    assert (last.peak_memory_bytes, last.baseline_bytes, last.samples) == (150, 100, 2)
    assert gpus.asked[0] == {5}


def test_a_process_that_is_gone_has_no_reading():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    meter = Meter(gone.pid)
    meter.start()
    meter.mark_launch()
    assert meter.stop().peak_memory_bytes is None
    assert os.getpid() != gone.pid
