"""The one error a command ends with, and how the kernel's errors become it. Sending it belongs to `commands`."""

from __future__ import annotations

import errno
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb

MESSAGE_CHARACTERS: Final = 1000

_BY_ERRNO: Final = {
    errno.ENOSPC: pb.FAILURE_CODE_NO_SPACE,
    errno.EDQUOT: pb.FAILURE_CODE_NO_SPACE,
    errno.EFBIG: pb.FAILURE_CODE_NO_SPACE,
    errno.ENOENT: pb.FAILURE_CODE_NOT_FOUND,
    errno.ENOTDIR: pb.FAILURE_CODE_NOT_FOUND,
    errno.ELOOP: pb.FAILURE_CODE_INVALID,
    errno.EMFILE: pb.FAILURE_CODE_LIMIT,
}


class Refused(Exception):
    """A command cannot be done.

    Attributes:
        code: What the host does about it.
    """

    def __init__(self, code: pb.FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class LinkBroken(Exception):
    """A transfer ended because the host went away; the host repeats the command when it is back."""


def invalid(message: str) -> Refused:
    """Make the error for a command that is wrong in itself."""
    return Refused(pb.FAILURE_CODE_INVALID, message)


def over_limit(message: str) -> Refused:
    """Make the error for a limit of the command that was exceeded."""
    return Refused(pb.FAILURE_CODE_LIMIT, message)


def failure_of(error: Exception) -> pb.Failure:
    """Describe any error of a handler as a Failure."""
    if isinstance(error, Refused):
        code = error.code
    elif isinstance(error, OSError) and error.errno is not None:
        code = _BY_ERRNO.get(error.errno, pb.FAILURE_CODE_INTERNAL)
    else:
        code = pb.FAILURE_CODE_INTERNAL
    text = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    return pb.Failure(code=code, message=printable(text)[:MESSAGE_CHARACTERS])


def printable(text: str) -> str:
    """Replace what UTF-8 cannot carry (names of files are bytes)."""
    return text.encode("utf-8", "backslashreplace").decode()
