"""One JSON line per event on stderr, where the engine keeps a capped copy. No secrets, no output of jobs."""

from __future__ import annotations

import json
import os
import time

from nightlab.sandbox.errors import printable


def event(name: str, **facts: object) -> None:
    """Write an event.

    Args:
        name: Constant, dotted, past tense: "link.connected".
        facts: What a reader needs; keys end with their unit.
    """
    line = json.dumps({"at_unix_ms": time.time_ns() // 1_000_000, "event": name, **facts}, default=str)
    try:
        os.write(2, printable(line).encode() + b"\n")
    except OSError:
        return  # nobody reads it: not a reason to end
