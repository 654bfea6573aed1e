"""A job's output on disk: all of it up to a cap, beyond it the head and the tail, addressed by stream offset.

The head is the log file itself; the tail is a few segment files beside it, named by the offset at which they begin.
So what is on disk tells how far the host's copy goes, with no other record, whenever the host was killed. Methods
block; they may be called from several threads.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from nightlab.controller.link.limits import HEAD_BYTES, TAIL_BYTES

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_COPY_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class _Piece:
    """A stretch of the stream: where it begins, how long it is, and where it lies."""

    start: int
    size: int
    path: Path
    at: int = 0

    @property
    def end(self) -> int:
        return self.start + self.size


class OutputLog:
    """Stores one output stream.

    Args:
        path: The log file; its directory is made if missing.
        head_bytes: Kept from the beginning.
        tail_bytes: Kept from the end; at least half of it, at most all.
    """

    def __init__(self, path: Path, *, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        self.path = path
        self._head_bytes = head_bytes
        self._segment_bytes = max(tail_bytes // 2, 1)
        self._tail_bytes = tail_bytes
        self._lock = threading.Lock()
        self._fd = -1
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, _APPEND, 0o600))
        self._pieces = self._found()
        self._is_finished = self._pieces[0].size > head_bytes
        self.end = self._pieces[-1].end
        if self._is_finished:
            self._remove_segments()

    def _found(self) -> list[_Piece]:
        pieces = [_Piece(0, self.path.stat().st_size, self.path)]
        for segment in sorted(self.path.parent.glob(f"{self.path.name}.tail.*")):
            offset = segment.name.rpartition(".")[2]
            if offset.isdecimal() and not segment.is_symlink():
                pieces.append(_Piece(int(offset), segment.stat().st_size, segment))
        return pieces

    def append(self, content: bytes) -> None:
        """Store what follows at `end`.

        Raises:
            OSError: The disk is full, ...; `end` says how much was stored.
        """
        with self._lock:
            rest = memoryview(content)
            while rest and not self._is_finished:
                written = os.write(self._descriptor(), rest[: self._room()])
                self._pieces[-1].size += written
                self.end += written
                rest = rest[written:]

    def _capacity(self) -> int:
        return self._head_bytes if len(self._pieces) == 1 else self._segment_bytes

    def _room(self) -> int:
        return self._capacity() - self._pieces[-1].size

    def _descriptor(self) -> int:
        if self._room() <= 0:
            self._begin_segment(self.end)
        if self._fd < 0:
            self._fd = os.open(self._pieces[-1].path, _APPEND, 0o600)
        return self._fd

    def _begin_segment(self, offset: int) -> None:
        self._close()
        tail = self._pieces[1:]
        while tail and sum(piece.size for piece in tail) + self._segment_bytes > self._tail_bytes:
            tail[0].path.unlink(missing_ok=True)
            del self._pieces[1], tail[0]
        path = self.path.with_name(f"{self.path.name}.tail.{offset:020d}")
        self._pieces.append(_Piece(offset, 0, path))

    def skip_to(self, offset: int) -> None:
        """Go on at a later offset: what lies between is gone. An earlier offset changes nothing."""
        with self._lock:
            if offset > self.end and not self._is_finished:
                self._begin_segment(offset)
                self.end = offset
                self._descriptor()

    def read(self, offset: int, limit: int) -> tuple[int, bytes]:
        """Read from an offset, or from the next one that was kept.

        Returns:
            Where the bytes begin, and up to `limit` of them; none at the end.
        """
        with self._lock:
            piece = next((piece for piece in self._pieces if piece.end > offset), None)
            if piece is None:
                return offset, b""
            begin = max(offset, piece.start)
            with piece.path.open("rb") as file:
                file.seek(piece.at + begin - piece.start)
                return begin, file.read(min(limit, piece.end - begin))

    def finish(self) -> None:
        """Join head and tail in the log file, with a line where something was left out. Repeating it is harmless."""
        with self._lock:
            self._close()
            if len(self._pieces) > 1 and not self._is_finished:
                self._join()
            self._is_finished = True
            self._remove_segments()

    def _join(self) -> None:
        joined: list[_Piece] = []
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("wb") as target:
            for piece in self._pieces:
                gap = piece.start - (joined[-1].end if joined else 0)
                if gap:
                    target.write(b"\n[nightlab: %d bytes of output were left out here]\n" % gap)
                joined.append(_Piece(piece.start, piece.size, self.path, target.tell()))
                _copy(piece.path, target)
        new.replace(self.path)
        self._pieces = joined

    def _remove_segments(self) -> None:
        for segment in self.path.parent.glob(f"{self.path.name}.tail.*"):
            segment.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _copy(source: Path, target: BinaryIO) -> None:
    with source.open("rb") as file:
        while chunk := file.read(_COPY_BYTES):
            target.write(chunk)
