"""A plugin that looks well until its edits are wanted; then each action breaks its word in another way."""

import os
import threading
from contextlib import suppress
from typing import Annotated

from nightlab.sdk import Edits, Int, Plugin, action

GIB = 1 << 30


def _flood() -> None:
    while True:
        os.write(2, b"x" * 65536)


def _fork() -> None:
    while True:
        with suppress(OSError):
            os.fork()


@action(reads=["config.yaml"])
def boast(ws: Edits, gain: Annotated[int, Int(1, 1000)] = 1) -> None:
    """Answer with a gigabyte."""
    ws.write("config.yaml", b"x" * GIB)


@action(reads=["config.yaml"], writes=["**"])
def stray(ws: Edits, gain: Annotated[int, Int(1, 1000)] = 1) -> None:
    """Write what nobody granted."""
    ws.write("train.py", f'print("loss: {-gain}")\n')


@action(reads=["config.yaml"])
def promise(ws: Edits, gain: Annotated[int, Int(1, 1000)] = 1) -> None:
    """Flood the log, take every process there may be, and never answer."""
    threading.Thread(target=_flood, daemon=True).start()
    _fork()


PLUGIN = Plugin("rude", "0.1", (boast, stray, promise))
