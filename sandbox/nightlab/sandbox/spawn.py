"""Starts a process as a user: by the toolbox's static helper, or by the same in Python where there is no toolbox.

The helper is what makes a start cheap: posix_spawn keeps vfork's speed, and setsid, the uid and no-new-privileges
happen after it, in a program of a few pages. Waiting for the process belongs to `reaper`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EXEC_HELPER: Final = "/nightlab/toolbox/bin/nightlab-exec"
HELPER_PREFIX: Final = b"nightlab-exec: "
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Start:
    """What to start.

    Attributes:
        argv: Program and arguments; the program is looked up on PATH of env.
        env: The whole environment.
        cwd: Absolute.
        uid: The process's only uid.
        gid: The process's only group.
        umask: Its file mode mask.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    uid: int
    gid: int
    umask: int


class NotStarted(Exception):
    """The process could not be started; the text says why."""


def find_program(name: str, path_env: str, cwd: str) -> str | None:
    """Look a program up as execvp does: the first executable regular file; a name with '/' is taken from cwd."""
    if "/" in name:
        candidates = [str(Path(cwd, name))]
    else:
        candidates = [str(Path(cwd, part or ".", name)) for part in path_env.split(":")] if name else []
    return next((candidate for candidate in candidates if _is_program(candidate)), None)


def _is_program(path: str) -> bool:
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return mode & 0o170000 == 0o100000 and mode & 0o111 != 0


def spawn(start: Start, stdout: int, stderr: int, *, helper: str) -> int:
    """Start a process in a session of its own, with an empty standard input.

    Args:
        start: What and as whom.
        stdout: Descriptor of its standard output.
        stderr: Descriptor of its standard error.
        helper: Path of nightlab-exec; where there is none, Python does its work.

    Returns:
        The pid. The caller reaps it.

    Raises:
        NotStarted: No such program, no such directory, no process left.
    """
    program = find_program(start.argv[0], start.env.get("PATH", _DEFAULT_PATH), start.cwd)
    if program is None:
        raise NotStarted(f"program {start.argv[0]!r} was not found or is not executable (cwd {start.cwd})")
    argv = [*_helper(helper), str(start.uid), str(start.gid), f"{start.umask:o}", start.cwd, program, *start.argv]
    try:
        return os.posix_spawn(
            argv[0],
            argv,
            dict(start.env),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, stdout, 1),
                (os.POSIX_SPAWN_DUP2, stderr, 2),
            ],
        )
    except (OSError, ValueError) as error:
        raise NotStarted(f"{program}: {error}") from error


def _helper(path: str) -> list[str]:
    if os.access(path, os.X_OK):
        return [path]
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("exec_helper.py"))]
