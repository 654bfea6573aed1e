"""FindRepo: where in the image the repo's files are, told by their content.

Only the content decides: an image may have the repo anywhere, or an older copy of it beside the right one.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.hashing import Odd, read_entry
from nightlab.sandbox.paths import Found, checked, is_directory, list_directory, open_below, open_root, split

NEVER_WALKED: Final = frozenset({"proc", "sys", "dev", "nightlab"})
MATCHES: Final = 50


def find_repo(request: pb.FindRepo) -> pb.FindRepoResult:
    """Find directories that hold the probes' files.

    Candidates are looked at first and win ties; then the image is walked, breadth first.

    Raises:
        Refused: A probe's path is wrong.
    """
    for probe in request.probes:
        checked(probe.path)
    matches = {path: match for path in request.candidates if (match := _look(path, request.probes)) is not None}
    first_names = {probe.path.split("/", 1)[0] for probe in request.probes}
    for path in _directories_with(first_names, request.max_directories):
        if path not in matches and (match := _look(path, request.probes)) is not None:
            matches[path] = match
    best = sorted(matches.values(), key=lambda match: (-match.same, match.differing))  # stable: candidates first
    return pb.FindRepoResult(matches=best[:MATCHES])


def _directories_with(names: set[str], max_directories: int) -> Iterator[str]:
    """Walk the image and yield the directories that hold one of some names."""
    waiting = deque([""])
    with open_root("/") as root:
        for _ in range(max_directories):
            if not waiting:
                return
            directory = waiting.popleft()
            listed = _list(root, directory)
            waiting.extend(found.path for found in listed if is_directory(found) and found.path not in NEVER_WALKED)
            if any(found.name in names for found in listed):
                yield f"/{directory}"


def _list(root: int, directory: str) -> list[Found]:
    try:
        with open_below(root, directory) as fd:
            return list_directory(fd, directory)
    except OSError:
        return []  # closed to us, or gone


def _look(path: str, probes: Sequence[pb.TreeEntry]) -> pb.RepoMatch | None:
    match = pb.RepoMatch(root=path)
    try:
        path.encode()
        with open_root(path) as root:
            for probe in probes:
                _compare(root, probe, match)
    except (OSError, UnicodeEncodeError):
        return None
    return match if match.same or match.differing else None


def _compare(root: int, probe: pb.TreeEntry, match: pb.RepoMatch) -> None:
    directory, name = split(probe.path)
    try:
        with open_below(root, directory) as parent:
            size = os.stat(name, dir_fd=parent, follow_symlinks=False).st_size
            same = size == probe.size and read_entry(parent, name, probe.path).sha256 == probe.sha256
    except (OSError, Odd):
        return
    match.same += same
    match.differing += not same
