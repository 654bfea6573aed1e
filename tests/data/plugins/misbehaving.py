"""Plugins that break the contract, one action for each way, and one that tells what its process may do."""

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from nightlab.sdk import Choice, Edits, Plugin, action


def _segfault() -> None:
    ctypes.string_at(0)


def _hang() -> None:
    while True:
        pass


def _exit() -> None:
    print("last words of the plugin", file=sys.stderr, flush=True)
    os._exit(3)


def _memory() -> None:
    bytearray(3 << 30)


def _raise() -> None:
    raise ValueError("secret detail")


WAYS: dict[str, Callable[[], None]] = {
    "segfault": _segfault,
    "hang": _hang,
    "exit": _exit,
    "memory": _memory,
    "raise": _raise,
}


def _attempt(call: Callable[[], object]) -> str:
    try:
        call()
    except OSError as error:
        return f"refused: {error.errno}"
    return "done"


def _connect() -> None:
    with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT", "9"))), 1.0):
        pass


def _write() -> None:
    with open("/tmp/nightlab-worker-probe", "wb") as file:
        file.write(b"x")


@action(reads=["**/*.txt"])
def misbehave(ws: Edits, way: Annotated[str, Choice(*WAYS)]) -> None:
    """Break in one way."""
    WAYS[way]()


@action(reads=["**/*.txt"])
def tell(ws: Edits) -> str:
    """Tell what this process may do."""
    return json.dumps(
        {
            "uid": os.geteuid(),
            "capabilities": int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16),
            "environment": sorted(os.environ),
            "interfaces": [name for _, name in socket.if_nameindex()],
            "connect": _attempt(_connect),
            "write": _attempt(_write),
            "session": os.getsid(0) == os.getpid(),
        }
    )


@action(reads=["**/*.txt"], writes=["**"])
def stray(
    ws: Edits, path: Annotated[str, Choice("../x", ".git/hooks/x", "/etc/x", "keep.txt", "new.txt", "a.bin")]
) -> None:
    """Write a path that was not asked for."""
    ws.write(path, b"text")


@action(reads=["**/*.txt"])
def shout(ws: Edits, text: Annotated[str, Choice("HELLO", "BYE")] = "HELLO") -> str:
    """Append a word to a.txt."""
    ws.write("a.txt", ws.read("a.txt") + text.encode())
    return f"said {text}"


PLUGIN = Plugin("misbehaving", "1.0", (misbehave, tell, stray, shout))
OTHER_NAME = Plugin("someone-else", "1.0", (shout,))
NO_PLUGIN = 3
