"""ReadFiles: takes files out of the sandbox as the user who owns them, within the host's limits.

What a run leaves behind is hostile: links to elsewhere, fifos that never answer, sparse files of terabytes, files
that grow while they are read. Only regular files are opened, never through a link, and every byte is counted.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from heapq import nsmallest
from typing import Final

from nightlab.api.digest import EXECUTABLE, REGULAR, path_error
from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox import globs
from nightlab.sandbox.errors import printable
from nightlab.sandbox.identity import files_as
from nightlab.sandbox.paths import (
    MAX_OPENED,
    READ,
    Found,
    depth,
    is_directory,
    is_link,
    is_regular,
    open_below,
    open_root,
    walk_directory,
)
from nightlab.sandbox.transfers import Outgrown, Transfers

WALKED_NAMES: Final = 200_000
SKIPPED_LISTED: Final = 1000


class Reading:
    """One ReadFiles under way."""

    def __init__(self, command_id: str, request: pb.ReadFiles, transfers: Transfers) -> None:
        self._command_id = command_id
        self._request = request
        self._transfers = transfers
        self._result = pb.ReadFilesResult()
        self._total_bytes = 0

    async def run(self) -> pb.ReadFilesResult:
        """Push every file that matches and is within the limits; name the others with the reason."""
        for found in await asyncio.to_thread(self._find):
            fd = await asyncio.to_thread(self._open, found)
            if fd is not None:
                try:
                    await self._push(found.path, fd)
                finally:
                    os.close(fd)
        return self._result

    def _find(self) -> list[Found]:
        request = self._request
        # Held at once: what can be taken and what can be named as skipped, however many there are.
        held = request.max_files + SKIPPED_LISTED
        with files_as(request.as_uid, request.as_gid), open_root(request.root) as root:
            return nsmallest(held, self._walk(root, globs.start(request.globs)), key=lambda found: found.path)

    def _walk(self, root: int, state: globs.State) -> Iterator[Found]:
        waiting = [("", state)]
        walked = opened = 0
        while waiting:
            directory, state = waiting.pop()
            opened += depth(directory)
            if opened > MAX_OPENED:
                self._skip(directory, "directories lie too deep in each other")
                return
            for found in self._list(root, directory):
                walked += 1
                if walked > WALKED_NAMES:
                    self._skip(found.path, f"more than {WALKED_NAMES} names were looked at")
                    return
                if is_directory(found) and path_error(found.path) is None:
                    if inside := globs.enter(state, found.name):
                        waiting.append((found.path, inside))
                elif globs.matches(state, found.name):
                    yield found

    def _list(self, root: int, directory: str) -> Iterator[Found]:
        try:
            with open_below(root, directory) as fd:
                yield from walk_directory(fd, directory)
        except OSError as error:
            self._skip(directory, f"unreadable directory: {error.strerror}")

    def _open(self, found: Found) -> int | None:
        """Open a file that passes every check, or record why not."""
        reason = self._refusal(found)
        if reason is None:
            try:
                fd = self._open_regular(found.path)
            except OSError as error:
                reason = f"unreadable: {error.strerror}"
            else:
                reason = self._size_refusal(os.fstat(fd))
                if reason is None:
                    return fd
                os.close(fd)
        self._skip(found.path, reason)
        return None

    def _refusal(self, found: Found) -> str | None:
        if path_error(found.path) is not None or not found.path.isprintable():
            return "its name is not printable"
        if is_link(found):
            return "symlink"
        if not is_regular(found):
            return "not a regular file"
        if len(self._result.files) >= self._request.max_files:
            return f"more than {self._request.max_files} files"
        return None

    def _open_regular(self, path: str) -> int:
        directory, _, name = path.rpartition("/")
        with (
            files_as(self._request.as_uid, self._request.as_gid),
            open_root(self._request.root) as root,
            open_below(root, directory) as parent,
        ):
            return os.open(name, READ, dir_fd=parent)

    def _size_refusal(self, status: os.stat_result) -> str | None:
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size > self._request.max_file_bytes:
            return f"larger than {self._request.max_file_bytes} bytes"
        if self._total_bytes + status.st_size > self._request.max_total_bytes:
            return f"more than {self._request.max_total_bytes} bytes in all"
        return None

    async def _push(self, path: str, fd: int) -> None:
        room = min(self._request.max_file_bytes, self._request.max_total_bytes - self._total_bytes)
        try:
            digest = await self._transfers.push(self._command_id, path, fd, room)
        except Outgrown:
            self._skip(path, "it grew past the limit while it was read")
            return
        status = os.fstat(fd)
        size = os.lseek(fd, 0, os.SEEK_CUR)
        self._total_bytes += size
        mode = EXECUTABLE if status.st_mode & 0o100 else REGULAR
        self._result.files.append(pb.TreeEntry(path=path, mode=mode, size=size, sha256=digest))

    def _skip(self, path: str, reason: str) -> None:
        if len(self._result.skipped) < SKIPPED_LISTED:
            self._result.skipped.append(pb.SkippedFile(path=printable(path)[:4096], reason=reason))
