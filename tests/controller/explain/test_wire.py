"""Frames hold what was packed and nothing larger."""

import io

import pytest

from nightlab.controller.explain import wire


def test_frame_holds_bytes_and_odd_paths():
    value = ["changes", {"files": [["a\udcff.py", b"\0\xff"], ["base64:", b""]], "python": None}]
    assert wire.read_frame(io.BytesIO(wire.pack(value))) == value


@pytest.mark.parametrize("raw", [b"", b"\0\0", b"\0\0\0\5[1"])
def test_end_in_the_middle_is_an_end(raw):
    with pytest.raises(EOFError):
        wire.read_frame(io.BytesIO(raw))


def test_announced_size_is_bounded():
    with pytest.raises(ValueError, match="is announced"):
        wire.length(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("body", [b"{", b'{"base64:": "?"}', b"[" * 200_000])
def test_nonsense_is_refused(body):
    with pytest.raises(ValueError):
        wire.unpack(body)
