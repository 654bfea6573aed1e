"""Small questions about the image: who a user is, what a uid cannot read, where a program is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.errors import Refused, invalid, printable
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import DIRECTORY, READ, is_directory, is_link, list_directory
from nightlab.sandbox.spawn import find_program

USER_TABLE: Final = "/etc/passwd"
GROUP_TABLE: Final = "/etc/group"
TABLE_BYTES: Final = 1024 * 1024
UNREADABLE_LISTED: Final = 100
_SHEBANG_BYTES: Final = 256
_LARGEST_ID: Final = 2**31 - 1


def resolve_user(request: pb.ResolveUser, passwd: str = USER_TABLE, group: str = GROUP_TABLE) -> pb.ResolveUserResult:
    """Look a USER instruction up as the engine does: names from the image's tables, numbers as they are.

    Raises:
        Refused: A name is in no table, or a number is no uid.
    """
    user, _, group_name = request.user.partition(":")
    row = _find(passwd, user or "0", fields=7)
    if row is None and not user.isdecimal() and user:
        raise Refused(pb.FAILURE_CODE_NOT_FOUND, f"the image has no user {user!r} in {passwd}")
    result = pb.ResolveUserResult(uid=_number(row[2] if row else user or "0"), gid=_number(row[3] if row else "0"))
    if row is not None:
        result.name, result.home = printable(row[0]), printable(row[5])
    if group_name:
        result.gid = _group(group_name, group)
    return result


def _group(name: str, table: str) -> int:
    row = _find(table, name, fields=4)
    if row is None and not name.isdecimal():
        raise Refused(pb.FAILURE_CODE_NOT_FOUND, f"the image has no group {name!r} in {table}")
    return _number(row[2] if row else name)


def _find(table: str, wanted: str, fields: int) -> list[str] | None:
    """Find a row by name, else by number."""
    rows = [row for line in _lines(table) if len(row := line.split(":")) >= fields]
    by_name = next((row for row in rows if row[0] == wanted), None)
    return by_name or next((row for row in rows if wanted.isdecimal() and row[2] == str(int(wanted))), None)


def _lines(table: str) -> list[str]:
    try:
        fd = os.open(table, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []  # an image without users: only numbers resolve
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return []
        return os.read(fd, TABLE_BYTES).decode("utf-8", "surrogateescape").splitlines()
    finally:
        os.close(fd)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_ID:
        raise invalid(f"{printable(text)!r} is no user or group id")
    return int(text)


def probe_access(request: pb.ProbeAccess) -> pb.ProbeAccessResult:
    """Name the topmost paths that a uid cannot read, links not followed below the paths asked for."""
    result = pb.ProbeAccessResult()
    with files_as(request.uid, request.gid):
        for path in _unreadable(request):
            result.unreadable.append(printable(path))
            if len(result.unreadable) >= UNREADABLE_LISTED:
                break
    return result


def _unreadable(request: pb.ProbeAccess) -> Iterator[str]:
    waiting = [path for path in reversed(request.paths) if Path(path).is_absolute()]
    looked_at = 0
    while waiting and looked_at < request.max_entries:
        path = waiting.pop()
        looked_at += 1
        below = _entries_of(path)
        if below is None:
            yield path
            continue
        waiting.extend(reversed(below))


def _entries_of(path: str) -> list[str] | None:
    """List what is to be looked at below a path: nothing for a file; None if it cannot be read."""
    try:
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode):
            os.close(os.open(path, READ))
            return []
        if not stat.S_ISDIR(status.st_mode):
            return []
        fd = os.open(path, DIRECTORY)
    except FileNotFoundError:
        return []
    except OSError:
        return None
    try:
        names = list_directory(fd, path.rstrip("/"))
        if any(found.stat is None for found in names):
            return None  # a directory that lists but may not be entered
        return [found.path for found in names if not is_link(found) or is_directory(found)]
    except OSError:
        return None
    finally:
        os.close(fd)


def resolve_program(request: pb.ResolveProgram) -> pb.ResolveProgramResult:
    """Look a program up on a PATH, and read the interpreter of a script."""
    path = find_program(request.program, request.path_env, request.cwd)
    if path is None:
        return pb.ResolveProgramResult()
    return pb.ResolveProgramResult(path=printable(path), interpreter=_interpreter(path))


def _interpreter(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""  # a program may be executable and unreadable
    try:
        first = os.read(fd, _SHEBANG_BYTES).split(b"\n", 1)[0]
    finally:
        os.close(fd)
    return first[2:].strip().decode(errors="replace") if first.startswith(b"#!") else ""
