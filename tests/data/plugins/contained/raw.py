"""A plugin that speaks HTTP/2 by hand: `raw:NAME` answers every call with the bytes that NAME stands for."""

import gzip
import os
import socket
import struct
from collections.abc import Iterator

DATA, HEADERS, SETTINGS, CONTINUATION = 0, 1, 4, 9
ACK, END_HEADERS = 1, 4
PREFACE_BYTES = 24
STATUS_200 = b"\x88"
GIB = 1 << 30


def literal(name: bytes, value: bytes) -> bytes:
    assert len(name) < 127 and len(value) < 127
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


HEAD = STATUS_200 + literal(b"content-type", b"application/grpc")


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def gibibyte(stream: int) -> Iterator[bytes]:
    """A message that says it has 1 GiB, and as much of it as may be sent at once."""
    yield frame(HEADERS, END_HEADERS, stream, HEAD)
    yield frame(DATA, 0, stream, b"\0" + struct.pack(">I", GIB))
    yield frame(DATA, 0, stream, bytes(16384))


def bomb(stream: int) -> Iterator[bytes]:
    """A small message that unpacks to 48 MiB, inside of what may be sent at once."""
    packed = gzip.compress(bytes(48 << 20), 9)
    yield frame(HEADERS, END_HEADERS, stream, HEAD + literal(b"grpc-encoding", b"gzip"))
    body = b"\1" + struct.pack(">I", len(packed)) + packed
    for at in range(0, len(body), 16384):
        yield frame(DATA, 0, stream, body[at : at + 16384])


def metadata(stream: int) -> Iterator[bytes]:
    """Headers without an end."""
    yield frame(HEADERS, 0, stream, HEAD)
    part = b"".join(literal(b"x-%d" % n, b"v" * 100) for n in range(100))
    while True:
        yield frame(CONTINUATION, 0, stream, part)


def details(stream: int) -> Iterator[bytes]:
    """A status with words that a terminal obeys."""
    words = literal(b"grpc-status", b"9") + literal(b"grpc-message", b"no%1B[31m")
    yield frame(HEADERS, END_HEADERS | 1, stream, HEAD + words)


def noise(stream: int) -> Iterator[bytes]:
    """What is no HTTP/2."""
    yield b"\xff" * 100_000


KINDS = {each.__name__.upper(): each for each in (gibibyte, bomb, metadata, details, noise)}


def read(link: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        if not (part := link.recv(count - len(content))):
            raise ConnectionError
        content += part
    return content


def converse(link: socket.socket, answer) -> None:
    read(link, PREFACE_BYTES)
    link.sendall(frame(SETTINGS, 0, 0, b""))
    while True:
        head = read(link, 9)
        kind, flags, stream = head[3], head[4], struct.unpack(">I", head[5:9])[0]
        read(link, int.from_bytes(head[:3], "big"))
        if kind == SETTINGS and not flags & ACK:
            link.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind == HEADERS:
            for part in answer(stream):
                link.sendall(part)


def __getattr__(name: str):
    if name not in KINDS:
        raise AttributeError(name)
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.environ["NIGHTLAB_PLUGIN_SOCKET"])
    server.listen()
    while True:
        link, _ = server.accept()
        try:
            converse(link, KINDS[name])
        except OSError:
            link.close()
