"""Frames between the host and its explaining worker: four bytes of length, then JSON that can hold bytes.

Nothing of a frame is ever run: a hostile worker can send wrong values, which `answers` refuses, and no more.
"""

from __future__ import annotations

import base64
import json
from typing import Any, BinaryIO, Final

FRAME_BYTES: Final = 96 * 2**20
HEAD_BYTES: Final = 4
_BYTES: Final = "base64:"


def pack(value: Any) -> bytes:
    """Write a value of None, bool, int, float, str, bytes, lists and dicts as a frame.

    A dict must not have "base64:" as its only key: names that come from outside belong into lists of pairs.

    Raises:
        ValueError: It does not fit into a frame.
    """
    body = json.dumps(value, default=_plain).encode()
    if len(body) > FRAME_BYTES:
        raise ValueError(f"a frame holds {FRAME_BYTES} bytes, not {len(body)}")
    return len(body).to_bytes(HEAD_BYTES) + body


def unpack(body: bytes) -> Any:
    """Read the inside of a frame.

    Raises:
        ValueError: It is not JSON, or its bytes are not base64.
    """
    try:
        return json.loads(body, object_hook=_rich)
    except RecursionError as error:
        raise ValueError("a frame is nested too deeply") from error


def length(head: bytes) -> int:
    """Return how many bytes follow a frame's head.

    Raises:
        ValueError: More than a frame holds.
    """
    told = int.from_bytes(head)
    if told > FRAME_BYTES:
        raise ValueError(f"a frame of {told} bytes is announced; {FRAME_BYTES} are the most")
    return told


def read_frame(stream: BinaryIO) -> Any:
    """Read one frame from a blocking stream.

    Raises:
        EOFError: The stream ended.
        ValueError: What came is not a frame.
    """
    size = length(_exactly(stream, HEAD_BYTES))
    return unpack(_exactly(stream, size))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} does not go into a frame")


def _rich(found: dict[str, Any]) -> Any:
    return base64.b64decode(found[_BYTES], validate=True) if found.keys() == {_BYTES} else found
