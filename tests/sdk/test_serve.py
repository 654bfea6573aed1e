"""A plugin started by hand or by a host: a friendly word without a socket, calls, and an end on SIGTERM."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import grpc

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.api.plugin.v1 import plugin_pb2_grpc

PLUGIN = """
from nightlab.sdk import Edits, Plugin, action, serve
print("noise on stdout")
@action(reads=["a"])
def nothing(ws: Edits) -> None:
    "Do nothing."
serve(Plugin("example", "1.0", (nothing,)))
"""


def start(tmp_path: Path, **environment: str) -> subprocess.Popen[str]:
    (tmp_path / "plugin.py").write_text(PLUGIN)
    env = {"PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.Popen(
        [sys.executable, "plugin.py"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_without_a_socket_it_says_what_it_is(tmp_path: Path) -> None:
    process = start(tmp_path)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "example is a nightlab plugin" in errors and "NIGHTLAB_PLUGIN_SOCKET" in errors
    assert "Traceback" not in errors


def test_it_serves_its_group_and_ends_on_sigterm(tmp_path: Path) -> None:
    path = tmp_path / "p.sock"
    process = start(tmp_path, NIGHTLAB_PLUGIN_SOCKET=str(path))
    with grpc.insecure_channel(f"unix:{path}", options=[("grpc.max_reconnect_backoff_ms", 200)]) as channel:
        stub = plugin_pb2_grpc.ActionPluginServiceStub(channel)
        assert stub.GetPluginInfo(pb.GetPluginInfoRequest(), timeout=60, wait_for_ready=True).name == "example"
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
