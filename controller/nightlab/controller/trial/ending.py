"""Names how a run ended, from what the machine saw and only then from what the run printed."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.model.trial import Ending

SIGKILL: Final = 9
TAIL_LINES: Final = 60
# A GPU's allocator and Python itself raise where the kernel does not kill.
OUT_OF_MEMORY: Final = re.compile(
    r"OutOfMemoryError|CUDA out of memory|HIP out of memory|RESOURCE_EXHAUSTED|cannot allocate memory"
    r"|^MemoryError\b|DefaultCPUAllocator: can't allocate|std::bad_alloc",
    re.IGNORECASE,
)
PYTHON_ERROR: Final = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning)\b")


class Tail:
    """The last lines of an output, and what in them tells why it ended."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)

    def add(self, line: str) -> None:
        """Take one line."""
        self._lines.append(line[:500])

    def last_lines(self, count: int) -> tuple[str, ...]:
        """Return the last lines, at most `count`."""
        return tuple(self._lines)[-count:]

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the run itself said so."""
        return any(OUT_OF_MEMORY.search(line) for line in self._lines)

    @property
    def last_word(self) -> str:
        """The line that most likely names the failure: the last exception, else the last line with anything in it."""
        errors = [line for line in self._lines if PYTHON_ERROR.match(line)]
        spoken = [line for line in self._lines if line.strip()]
        return (errors or spoken or [""])[-1].strip()[:300]


def name_ending(
    *,
    code: int | None,
    signal: int | None,
    start_error: str,
    timed_out: bool,
    stopped: bool,
    oom_kills: int,
    tail: Tail,
    memory_bytes: int,
    timeout_s: float,
) -> tuple[Ending, str]:
    """Return the ending and one line that says why, empty for a plain one.

    Args:
        code: Exit code, if it exited.
        signal: Signal that ended it, if one did.
        start_error: Why it never ran.
        timed_out: Ended at its wall limit.
        stopped: Ended because somebody asked.
        oom_kills: Processes of the container that the kernel killed for memory during the run.
        tail: What it printed last.
        memory_bytes: Its memory limit, for the text.
        timeout_s: Its wall limit, for the text.
    """
    if start_error:
        return Ending.FAILED, f"the training command did not start: {start_error}"
    if stopped:
        return Ending.STOPPED, "stopped"
    if timed_out:
        return Ending.TIMED_OUT, f"still running after train.timeout ({show_seconds(timeout_s)})"
    if code == 0 and not oom_kills:
        return Ending.FINISHED, ""
    if oom_kills:
        # A killed data loader can leave its parent to exit with 0 and half of the data.
        return Ending.OUT_OF_MEMORY, f"the kernel killed it at train.memory ({show_bytes(memory_bytes)})"
    if tail.ran_out_of_memory:
        return Ending.OUT_OF_MEMORY, tail.last_word
    how = f"exit code {code}" if signal is None else f"signal {signal}"
    return Ending.FAILED, f"{how}: {tail.last_word}" if tail.last_word else how
