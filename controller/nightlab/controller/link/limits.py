"""Bounds of the link: what a sandbox may cost the host, whatever it sends."""

from __future__ import annotations

from typing import Final

PROTOCOL: Final = 1
MESSAGE_BYTES: Final = 4 * 1024 * 1024 + 128 * 1024  # a plugin's largest message and what is around it
COMMAND_BYTES: Final = MESSAGE_BYTES - 64 * 1024
METADATA_BYTES: Final = 16 * 1024
CHUNK_BYTES: Final = 256 * 1024
STREAMS_AT_ONCE: Final = 8  # one Connect, its successor, and a few transfers
SOCKET_PATH_BYTES: Final = 107  # sockaddr_un, less its NUL
HELLO_TIMEOUT_S: Final = 10.0
CHUNK_TIMEOUT_S: Final = 30.0
JOBS_IN_HELLO: Final = 256
JOB_ID_CHARACTERS: Final = 128
SMALL_EVENTS_BURST: Final = 2000  # heartbeats, results and exits; output is bounded by its own acknowledgement
SMALL_EVENTS_PER_S: Final = 500.0
OUTBOX_MESSAGES: Final = 4096
TEXT_CHARACTERS: Final = 1000
HEAD_BYTES: Final = 32 * 1024 * 1024
TAIL_BYTES: Final = 32 * 1024 * 1024

SERVER_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", STREAMS_AT_ONCE),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.so_reuseport", 0),
)


def shown(text: str) -> str:
    """Make text from a sandbox fit for a terminal, a log and a page: short, and every other character escaped."""
    short = text[:TEXT_CHARACTERS]
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in short)
