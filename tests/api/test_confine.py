"""What a worker gives up, tried in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

PROBE = """
import json, os, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
from nightlab.api import confine
from pathlib import Path
parent = os.getppid()
confine.limit(parent)
{step}
status = Path("/proc/self/status").read_text()
print(json.dumps({{"uids": os.getresuid(), "groups": os.getgroups(),
                  "capabilities": status.split("CapEff:")[1].split()[0],
                  "new": status.split("NoNewPrivs:")[1].split()[0]}}))
"""


def probe(step: str) -> dict[str, object]:
    command = [sys.executable, "-I", "-B", "-c", PROBE.format(step=step), os.pathsep.join(sys.path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to change from")
def test_root_becomes_a_user_of_its_own() -> None:
    told = probe("confine.change_user(parent)")
    assert told == {"uids": [65530] * 3, "groups": [], "capabilities": "0" * 16, "new": "1"}


def test_whoever_stays_has_no_capability() -> None:
    told = probe("confine.drop_capabilities()")
    assert told["capabilities"] == "0" * 16
    assert told["uids"] == [os.geteuid()] * 3


def test_worker_ends_with_its_parent() -> None:
    """An orphan sees at once that its parent is another process."""
    child = "import os, sys; sys.path[:0] = sys.argv[1].split(os.pathsep); from nightlab.api import confine; "
    child += "confine.limit(1 << 22); print('still here')"
    command = [sys.executable, "-I", "-B", "-c", child, os.pathsep.join(sys.path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "")


def test_cpu_limit_ends_a_hang() -> None:
    step = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 4))\nwhile True: pass"
    command = [sys.executable, "-I", "-B", "-c", PROBE.format(step=step), os.pathsep.join(sys.path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode < 0
