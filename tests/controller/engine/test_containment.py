"""What hostile code in a real container can and cannot do: operations, network, floods (A01-A06, D01-D03)."""

import json
import os
import socket
from pathlib import Path

import pytest

from nightlab.controller.engine import EndCause, Limits, end_cause

pytestmark = pytest.mark.docker
MiB = 2**20
TESTS = Path(__file__).parents[2]
PROBE = (TESTS / "acceptance" / "probe_ops.py").read_text()
GOLDEN = TESTS / "data" / "acceptance" / "probe_ops.json"

FILL = """
import errno, json, os
def fill(path, chunk=1 << 20, most=256):
    try:
        with open(path, "wb", buffering=0) as file:
            for count in range(most):
                if file.write(bytes(chunk)) != chunk:
                    return [count, "ENOSPC"]
    except OSError as error:
        return [count if "count" in dir() else 0, errno.errorcode[error.errno]]
    return [most, "none"]
"""


@pytest.mark.parametrize("uid", [65532, 0], ids=["workload", "supervisor"])
async def test_every_operation_ends_as_the_golden_table_says(make_spec, run_spec, uid):
    ran = await run_spec(make_spec(PROBE, uid=uid))
    outcomes = ran.json
    golden = json.loads(GOLDEN.read_text())["supervisor" if uid == 0 else "workload"]
    assert outcomes == golden
    assert len(outcomes) >= 60


def test_golden_table_denies_whatever_is_not_meant_to_work():
    golden = json.loads(GOLDEN.read_text())
    for role, table in golden.items():
        free = {name for name, outcome in table.items() if outcome == "allowed" and not name.startswith("can_")}
        own = {name for name in free if role == "supervisor" and name.startswith("workload_")}
        assert free == own
        assert all(outcome == "allowed" for name, outcome in table.items() if name.startswith("can_"))


async def test_nothing_but_loopback_is_reachable(make_spec, run_spec):
    code = """
import json, socket
def connects(address, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.settimeout(3)
        try: s.connect(address)
        except OSError: return False
        return True
def resolves(name):
    try: return bool(socket.getaddrinfo(name, 80))
    except OSError: return False
print(json.dumps({
    "interfaces": [name for _, name in socket.if_nameindex()],
    "reached": [str(a) for a in [("127.0.0.1", PORT), ("172.17.0.1", PORT), ("192.0.2.1", 80)] if connects(a)]
             + (["abstract"] if connects(ABSTRACT, socket.AF_UNIX) else []),
    "resolved": [n for n in ("nightlab.test", "example.com") if resolves(n)],
}))
"""
    abstract = f"\0nightlab-{os.getpid()}"
    with socket.create_server(("0.0.0.0", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(abstract)
        local.listen()
        code = code.replace("PORT", str(server.getsockname()[1])).replace("ABSTRACT", repr(abstract))
        ran = await run_spec(make_spec(code))
    assert ran.json == {"interfaces": ["lo"], "reached": [], "resolved": []}


@pytest.mark.parametrize("uid", [65532, 0], ids=["workload", "supervisor"])
async def test_socket_directory_cannot_be_changed_from_inside(make_spec, run_spec, uid):
    code = """
import errno, json, os
link, results = "/nightlab/link", {}
def attempt(name, function, *arguments):
    try: function(*arguments); results[name] = "done"
    except OSError as error: results[name] = errno.errorcode[error.errno]
attempt("create", lambda: open(link + "/new", "w"))
attempt("unlink", os.unlink, link + "/go")
attempt("symlink", os.symlink, "/etc/passwd", link + "/link.sock")
attempt("rename", os.rename, link + "/go", link + "/gone")
attempt("rmdir", os.rmdir, link)
attempt("chmod", os.chmod, link, 0o777)
print(json.dumps(results))
"""
    outcomes = (await run_spec(make_spec(code, uid=uid))).json
    if uid == 0:
        assert outcomes.pop("rmdir") in ("EBUSY", "EROFS")
        assert outcomes == dict.fromkeys(("create", "unlink", "symlink", "rename", "chmod"), "EROFS")
    else:  # it may not even enter the directory
        assert set(outcomes.values()) <= {"EACCES", "EROFS", "EBUSY", "EPERM"}


async def test_fork_bomb_stops_at_the_limit_and_dies_quickly(engine, make_spec):
    code = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    container = await engine.create(make_spec(code))
    await engine.start(container)
    pids = Path("/sys/fs/cgroup/pids/docker") / container.container_id / "pids.max"
    if pids.exists():
        assert pids.read_text().strip() == "64"
    meter = await engine.meter(container)
    before = os.times().elapsed
    await engine.remove(container)
    assert os.times().elapsed - before < 5
    assert (await engine.state(container)).status == "gone"
    assert meter.stop().oom_kills == 0


async def test_processes_stop_at_the_limit(make_spec, run_spec):
    code = """
import os, signal
started = []
try:
    while len(started) < 500:
        child = os.fork()
        if child == 0: signal.pause()
        started.append(child)
except BlockingIOError: pass
print(len(started))
for child in started: os.kill(child, 9)
"""
    assert 50 <= (await run_spec(make_spec(code))).json < 64


async def test_memory_hog_dies_and_its_supervisor_does_not(make_spec, run_spec):
    code = "held = [bytearray(1 << 20) for _ in range(1024)]"
    limits = Limits(128 * MiB, pids=64, tmp_bytes=16 * MiB, shm_bytes=16 * MiB)
    ran = await run_spec(make_spec(code, limits=limits, always_zero=True))
    assert ran.state.exit_code == 0
    assert ran.reading.oom_kills == 1
    assert end_cause(ran.state, ran.reading.oom_kills) == EndCause.CHILD_OUT_OF_MEMORY


async def test_disk_and_memory_files_end_at_their_limits(make_spec, run_spec, workspace):
    code = (
        FILL
        + """
import resource
print(json.dumps({
    "work": fill("/work/hog"), "tmp": fill("/tmp/hog"), "shm": fill("/dev/shm/hog"), "hosts": fill("/etc/hosts"),
    "root": fill("/hog"), "dev": fill("/dev/hog"), "mqueue": fill("/dev/mqueue/hog"),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
}))
"""
    )
    filled = (await run_spec(make_spec(code, volumes=(workspace,)))).json
    assert filled["work"][1] == filled["tmp"][1] == filled["shm"][1] == "ENOSPC"
    assert 48 <= filled["work"][0] <= 64
    assert filled["tmp"][0] == filled["shm"][0] == 32
    assert [filled[name][0] for name in ("hosts", "root", "dev", "mqueue")] == [0, 0, 0, 0]
    assert filled["core"] == [0, 0]


async def test_inodes_end_at_their_limit(make_spec, run_spec):
    code = """
count = 0
try:
    for count in range(40000): open(f"/dev/shm/{count}", "w").close()
except OSError: pass
print(count)
"""
    assert 16000 < (await run_spec(make_spec(code))).json < 16400


async def test_workspace_root_belongs_to_root_and_is_sticky(make_spec, run_spec, workspace):
    code = """
import json, os
s = os.stat("/work")
os.mkdir("/work/mine")
try: os.chmod("/work", 0o777); changed = True
except OSError: changed = False
print(json.dumps([oct(s.st_mode), s.st_uid, sorted(os.listdir("/work")), changed]))
"""
    assert (await run_spec(make_spec(code, volumes=(workspace,)))).json == ["0o41777", 0, ["mine"], False]
