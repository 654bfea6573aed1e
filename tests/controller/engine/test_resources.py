"""GPUs, cores and memory are lent once."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from nightlab.controller.engine import Capacity, Cores, Demand, GpuPool, how_many_fit, machine_capacity, what_is_short
from nightlab.controller.engine.gpus import NvmlReader, list_gpus
from nightlab.controller.errors import EngineError

GiB = 2**30


def test_room_is_left_for_the_controller():
    assert machine_capacity({0, 1, 2, 3}, 16 * GiB, 1) == Capacity((1, 2, 3), 15 * GiB, 1)
    assert machine_capacity({5}, 2 * GiB, 0) == Capacity((5,), 2 * GiB - GiB // 2, 0)


@pytest.mark.parametrize(
    ("demand", "count", "short"),
    [
        (Demand(1.0, 4 * GiB), 3, None),
        (Demand(0.5, 1 * GiB), 6, None),
        (Demand(1.0, 6 * GiB), 2, None),
        (Demand(1.0, 1 * GiB, gpus=1), 2, None),
        (Demand(4.0, 1 * GiB), 0, "train.cpus"),
        (Demand(1.0, 20 * GiB), 0, "train.memory"),
        (Demand(1.0, 1 * GiB, gpus=3), 0, "train.gpus"),
    ],
)
def test_how_many_trials_fit(demand, count, short):
    capacity = Capacity((1, 2, 3), 15 * GiB, 2)
    assert how_many_fit(capacity, demand) == count
    found = what_is_short(capacity, demand)
    assert found is None if short is None else found is not None and short in found


def test_cores_are_lent_once():
    cores = Cores((1, 2, 3))
    one, two = cores.acquire(1.0), cores.acquire(1.5)
    assert (one, two) == ("1", "2,3")
    assert cores.acquire(1.0) == ""
    cores.release(one)
    cores.release(one)
    cores.release("")
    assert cores.acquire(0.5) == "1"
    again = Cores((1, 2, 3))
    again.adopt("1,2")
    assert again.acquire(1.0) == "3"


def test_gpus_are_lent_all_or_none(tmp_path):
    pool, other = GpuPool(("a", "b", "c"), tmp_path), GpuPool(("a", "b", "c"), tmp_path)
    with pool.acquire(2) as lease:
        assert lease.uuids == ("a", "b")
        assert other.acquire(2) is None
        assert other.acquire(1, in_use={"c"}) is None
        assert other.acquire(1).uuids == ("c",)
    assert other.reacquire(("a", "b")).uuids == ("a", "b")
    with pytest.raises(EngineError, match="asks for 4"):
        pool.acquire(4)


def test_a_dead_controller_holds_no_gpu(tmp_path):
    code = (
        "import sys, pathlib; from nightlab.controller.engine import GpuPool\n"
        "lease = GpuPool(('a',), pathlib.Path(sys.argv[1])).acquire(1); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert GpuPool(("a",), tmp_path).acquire(1) is None
    holder.kill()
    holder.communicate()
    assert GpuPool(("a",), tmp_path).acquire(1) is not None


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "nightlab-a.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match="GPU lock"):
        GpuPool(("a",), tmp_path).acquire(1)
    assert not (tmp_path / "elsewhere").exists()


class ScriptedNvml:
    """NVML's binding as far as it is used, for machines without a driver."""

    class NVMLError(Exception):
        pass

    def __init__(self, processes):
        self.processes = processes

    def nvmlInit(self):  # noqa: N802
        if self.processes is None:
            raise self.NVMLError

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return uuid

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in self.processes[handle]]


def test_gpu_memory_is_that_of_the_containers_processes():
    nvml = ScriptedNvml({"a": [(1, 100), (9, 5000)], "b": [(2, 30), (1, None)]})
    assert NvmlReader(("a", "b"), nvml).used_bytes({1, 2}) == 130
    assert NvmlReader(("a", "b"), nvml).used_bytes({7}) is None


def test_without_a_driver_there_is_nothing():
    nvml = ScriptedNvml(None)
    assert list_gpus(nvml) == ()
    assert NvmlReader(("a",), nvml).used_bytes({1}) is None
