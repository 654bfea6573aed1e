"""A run that was denied a directory is let write it, unless the directory is the sealed tree or the system's."""

from types import SimpleNamespace
from typing import Any

import pytest

from nightlab.controller.onboarding.trying import denied_directory

SITE: Any = SimpleNamespace(
    workspace="/project/code", workdir="/project/code", places=(SimpleNamespace(path="/project/code"),)
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("OSError: [Errno 30] Read-only file system: '../runs'", "/project/runs"),
        ("PermissionError: [Errno 13] Permission denied: '../../data/x.bin'", "/data"),
        ("OSError: [Errno 30] Read-only file system: '/var/log/app/train.log'", "/var/log/app"),
        ("mkdir: cannot create directory '/srv/out': Read-only file system", "/srv/out"),
        ("mkdir: cannot create directory '../runs': Read-only file system", "/project/runs"),
        ("train.sh: line 3: ../log.txt: Read-only file system", "/project"),
        ("OSError: [Errno 30] Read-only file system: '../code/out'", None),
        ("OSError: [Errno 30] Read-only file system: '../../../etc/app'", None),
        ("OSError: [Errno 30] Read-only file system: '/usr/lib/x'", None),
        ("OSError: [Errno 28] No space left on device: '../runs'", None),
    ],
)
def test_the_denied_directory_is_found_from_where_the_command_starts(line: str, expected: str | None) -> None:
    found = denied_directory(("Traceback (most recent call last):", line), SITE)
    assert found == expected
