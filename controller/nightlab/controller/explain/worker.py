"""The child in which code of the repo is parsed and tools run on it: confined first, then one call at a time.

Started by `process` as `worker.main()` with a private directory, in which tools may write, and the host's process id
as arguments. What it can do is `operations`; frames are `wire`.
"""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO, Final

from nightlab.api import confine
from nightlab.controller.explain.wire import pack, read_frame

FILE_BYTES: Final = 64 * 2**20
MEMORY_BYTES: Final = 2 * 2**30
RECURSION: Final = 3000


def main() -> None:
    """Confine this process and answer calls until the host closes the pipe."""
    folder, parent = sys.argv[1], int(sys.argv[2])
    confine.limit(parent, file_bytes=FILE_BYTES, memory_bytes=MEMORY_BYTES)
    requests, answers = sys.stdin.buffer, _own_output()
    # Everything is imported before the user changes: a checkout may be readable by root alone.
    from nightlab.controller.explain.operations import OPERATIONS

    if confine.can_change_user():
        confine.change_user(parent)
    else:
        confine.drop_capabilities()
    os.chdir(folder)
    sys.setrecursionlimit(RECURSION)
    serve(requests, answers, OPERATIONS)


def serve(requests: BinaryIO, answers: BinaryIO, operations: Any) -> None:
    """Answer frames [operation, arguments] by {"result": ...} or {"error": text} until the requests end."""
    while True:
        try:
            name, arguments = read_frame(requests)
        except EOFError:
            return
        confine.renew_cpu()
        answers.write(_answer(operations, name, arguments))
        answers.flush()


def _answer(operations: Any, name: str, arguments: dict[str, Any]) -> bytes:
    try:
        return pack({"result": operations[name](**arguments)})
    except Exception as error:
        return pack({"error": f"{name}: {type(error).__name__}: {str(error)[:300]}"})


def _own_output() -> BinaryIO:
    """Keep the pipe for answers; what a library prints goes to the log."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers
