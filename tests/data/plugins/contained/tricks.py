"""A plugin that tries what its container must keep from it, one trick a call, and tells what came of it."""

import ctypes
import json
import mmap
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from nightlab.sdk import Choice, Edits, Plugin, action

SOCKET = Path(os.environ["NIGHTLAB_PLUGIN_SOCKET"])


def _attempt(call: Callable[[], object]) -> str:
    try:
        call()
    except OSError as error:
        return f"refused: {error.errno}"
    return "done"


def _dial(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)


def _hang() -> None:
    while True:
        pass


def _crash() -> None:
    print("last words of the plugin", file=sys.stderr, flush=True)
    os._exit(3)


def _signal() -> None:
    os.kill(os.getpid(), 35)


def _fork() -> None:
    while True:
        try:
            subprocess.Popen(["/nightlab/toolbox/bin/nightlab-exec"], stderr=subprocess.DEVNULL)
        except OSError:
            pass
        try:
            if os.fork() == 0:
                continue
        except OSError:
            pass


def _flood() -> None:
    line = b"x" * 65535 + b"\n"

    def write() -> None:
        while True:
            os.write(2, line)

    threading.Thread(target=write, daemon=True).start()


def _memory() -> None:
    held = mmap.mmap(-1, 4 << 30)
    for at in range(0, 4 << 30, 4096):
        held[at] = 1


def _link() -> None:
    SOCKET.unlink()
    SOCKET.symlink_to("/nightlab/link/link.sock")


def _segfault() -> None:
    ctypes.string_at(0)


TRICKS: dict[str, Callable[[], None]] = {
    "hang": _hang,
    "crash": _crash,
    "signal": _signal,
    "fork": _fork,
    "flood": _flood,
    "memory": _memory,
    "link": _link,
    "segfault": _segfault,
}


@action(reads=["**/*.txt"])
def trick(ws: Edits, name: Annotated[str, Choice(*TRICKS)]) -> str:
    """Try one."""
    TRICKS[name]()
    return f"{name} returned"


@action(reads=["**/*.txt"])
def tell(ws: Edits) -> str:
    """Tell what this process is and may do."""
    root = Path("/")
    writable = [str(path) for path in (root, *root.glob("*"), *root.glob("*/*")) if os.access(path, os.W_OK)]
    return json.dumps(
        {
            "ids": [os.getuid(), os.getgid(), *os.getgroups()],
            "capabilities": int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16),
            "environment": dict(os.environ),
            "interfaces": [name for _, name in socket.if_nameindex()],
            "network": _attempt(lambda: socket.create_connection(("192.0.2.1", 80), 1.0)),
            "link": _attempt(lambda: _dial("/nightlab/link/link.sock")),
            "own file": _attempt(lambda: Path(__file__).write_text("x")),
            "toolbox": _attempt(lambda: Path("/nightlab/toolbox/x").write_text("x")),
            "supervisor": _attempt(lambda: Path("/proc/1/environ").read_bytes()),
            "disk": sorted(path for path in writable if not path.startswith(("/proc", "/dev")) and _on_disk(path)),
        }
    )


def _on_disk(path: str) -> bool:
    try:
        probe = Path(path) / "probe"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError:
        return False
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    at = max((m for m in mounts if path == m[1] or path.startswith(m[1].rstrip("/") + "/")), key=lambda m: len(m[1]))
    return at[2] != "tmpfs"


@action(reads=["**/*.txt"], writes=["**"])
def shout(ws: Edits, text: Annotated[str, Choice("HELLO", "BYE")] = "HELLO") -> str:
    """Append a word to a.txt, and with libcst that it could parse."""
    import libcst

    ws.write("a.txt", ws.read("a.txt") + text.encode())
    return f"said {text} {libcst.parse_expression('1 + 1').__class__.__name__}"


@action(reads=["**/*.txt"], writes=["**"])
def copy(ws: Edits) -> str:
    """Write each file a second time."""
    for path in ws.paths():
        ws.write(f"{path}.copy", ws.read(path))
    return "copied"


PLUGIN = Plugin("tricks", "1.0", (trick, tell, shout, copy))
