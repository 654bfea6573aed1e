"""The bytes of one output channel between the pipe and the host's acknowledgement, addressed by offset.

Knows neither pipes nor the link. Small writes are joined, so that a million one-byte writes cost a megabyte.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SEGMENT_BYTES: Final = 64 * 1024


class Spool:
    """Holds a window of a byte stream.

    Attributes:
        start: Offset of the oldest byte held.
        end: Offset after the newest.
    """

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self._segments: deque[bytes | bytearray] = deque()

    @property
    def held_bytes(self) -> int:
        """Bytes that are not acknowledged."""
        return self.end - self.start

    def append(self, data: bytes) -> None:
        """Add what was read from the pipe."""
        if not data:
            return
        self.end += len(data)
        last = self._segments[-1] if self._segments else None
        if isinstance(last, bytearray) and len(last) + len(data) <= SEGMENT_BYTES:
            last += data
        else:
            self._segments.append(data if len(data) > SEGMENT_BYTES // 2 else bytearray(data))

    def acknowledge(self, offset: int) -> None:
        """Drop what lies before an offset; one outside of the window counts as its nearest end."""
        drop = min(offset, self.end) - self.start
        if drop <= 0:
            return
        self.start += drop
        while drop and self._segments:
            first = self._segments[0]
            if len(first) <= drop:
                drop -= len(first)
                self._segments.popleft()
            else:
                self._segments[0] = first[drop:]
                drop = 0

    def read(self, offset: int, limit: int) -> bytes:
        """Copy up to `limit` bytes from an offset inside the window; empty at its end."""
        skip = max(offset, self.start) - self.start
        parts: list[bytes] = []
        room = limit
        for segment in self._segments:
            if skip >= len(segment):
                skip -= len(segment)
                continue
            part = bytes(memoryview(segment)[skip : skip + room])
            parts.append(part)
            room -= len(part)
            skip = 0
            if room <= 0:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)
