"""Hostile training code in a real trial, with the posture, places and environment of one (A01, A04, A06, A07)."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import pytest
from tests.acceptance.conftest import processes_with

from nightlab.controller.model.trial import Phase

pytestmark = pytest.mark.docker
TESTS = Path(__file__).parents[1]
ATTEMPTS = """
import errno, json, os
results = {}
def attempt(name, function, *arguments):
    try: function(*arguments); results[name] = "done"
    except OSError as error: results[name] = errno.errorcode[error.errno]
"""


async def test_every_operation_ends_as_the_golden_table_says(ground):
    tree = ground.tree({"train.py": (TESTS / "acceptance" / "probe_ops.py").read_text()})
    golden = json.loads((TESTS / "data" / "acceptance" / "probe_ops.json").read_text())["workload"]
    assert ground.told(await ground.walk(tree)) == golden


async def test_supervisor_cannot_be_signalled_traced_or_read(ground):
    code = (
        ATTEMPTS
        + """
import ctypes, signal
libc = ctypes.CDLL(None, use_errno=True)
def ptrace(request):
    if libc.ptrace(request, 1, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR1, signal.SIGHUP):
    attempt(number.name, os.kill, 1, number)
attempt("kill all", os.killpg, 1, signal.SIGKILL)
attempt("attach", ptrace, 16)
attempt("seize", ptrace, 0x4206)
for name in ("environ", "mem", "maps", "auxv", "syscall", "stack", "pagemap"):
    attempt(name, lambda name=name: os.read(os.open(f"/proc/1/{name}", os.O_RDONLY), 1))
for name in ("fd", "fdinfo", "map_files", "cwd/", "root/"):
    attempt(name, os.listdir, f"/proc/1/{name}")
attempt("exe", os.readlink, "/proc/1/exe")
attempt("oom", lambda: open("/proc/1/oom_score_adj", "w").write("1000"))
attempt("limits", __import__("resource").prlimit, 1, 7, (0, 0))
attempt("priority", os.setpriority, os.PRIO_PROCESS, 1, 19)
attempt("affinity", os.sched_setaffinity, 1, {0})
print(json.dumps(results))
"""
    )
    outcomes = ground.told(await ground.walk(ground.tree({"train.py": code})))
    assert len(outcomes) == 25
    assert set(outcomes.values()) <= {"EPERM", "EACCES", "ESRCH", "ENOENT"}, outcomes


async def test_link_and_toolbox_are_out_of_reach(ground):
    code = (
        ATTEMPTS
        + """
import socket
link, box = "/nightlab/link", "/nightlab/toolbox"
def dial():
    with socket.socket(socket.AF_UNIX) as s: s.connect(link + "/link.sock")
attempt("list", os.listdir, link)
attempt("dial", dial)
attempt("create", lambda: open(link + "/new", "w"))
attempt("unlink", os.unlink, link + "/link.sock")
attempt("replace", os.symlink, "/etc/passwd", link + "/link.sock")
attempt("move", os.rename, link, "/nightlab/gone")
attempt("mode", os.chmod, link, 0o777)
attempt("supervisor", lambda: open(box + "/lib/python3.11/nightlab/sandbox/__main__.py", "w"))
attempt("helper", os.unlink, box + "/bin/nightlab-exec")
attempt("beside", lambda: open(box + "/lib/python3.11/sitecustomize.py", "w"))
print(json.dumps(results))
"""
    )
    outcomes = ground.told(await ground.walk(ground.tree({"train.py": code})))
    assert len(outcomes) == 10
    assert set(outcomes.values()) <= {"EACCES", "EPERM", "EROFS", "EBUSY"}, outcomes


async def test_a_process_that_hides_dies_with_its_run(ground):
    marker = f"hidden-{uuid.uuid4().hex}"
    code = """
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.setpgid(0, 0)
        print("hidden", flush=True)
        os.execvp("sh", ["sh", "-c", "while :; do sleep 1000; done", MARKER])
    os._exit(0)
os.wait()
while not any(MARKER.encode() in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0")
              for pid in os.listdir("/proc") if pid.isdigit() and pid != str(os.getpid())):
    pass
"""
    seen: dict[str, list[int]] = {}
    times: dict[str, float] = {}

    def emit(phase: Phase, _text: str) -> None:
        seen[phase.value] = processes_with(marker)
        times[phase.value] = time.monotonic()

    outcome = await ground.walk(ground.tree({"train.py": code.replace("MARKER", repr(marker))}), emit=emit)
    assert outcome.ending == "finished", outcome.reason
    assert "hidden" in ground.output(outcome)
    assert seen["collecting"] == []
    assert times["collecting"] - times["running"] < 20
    assert processes_with(marker) == []
