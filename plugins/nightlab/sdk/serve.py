"""Serves a plugin on the Unix socket that the host named, until it is told to end.

The socket is open to owner and group only. Output is a log and never part of the protocol.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from typing import Final

import grpc

from nightlab.api.plugin.v1 import plugin_pb2_grpc
from nightlab.sdk.action import Plugin
from nightlab.sdk.service import PluginServicer

SOCKET_VARIABLE: Final = "NIGHTLAB_PLUGIN_SOCKET"
THREADS: Final = 4
STOP_GRACE_S: Final = 1.0


def serve(plugin: Plugin, *, socket: str | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        plugin: What to serve.
        socket: Path to bind; None takes it from NIGHTLAB_PLUGIN_SOCKET.

    Raises:
        SystemExit: There is no socket to bind; the message is for the person who started it by hand.
    """
    path = socket or os.environ.get(SOCKET_VARIABLE, "")
    if not path:
        sys.exit(f"{plugin.name} is a nightlab plugin: the host starts it and sets {SOCKET_VARIABLE} to a socket path")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    run(make_server(path), lambda: PluginServicer(plugin))


def make_server(path: str, interceptors: Sequence[grpc.ServerInterceptor] = ()) -> grpc.Server:
    """Bind a server that accepts no call yet.

    Raises:
        RuntimeError: The path cannot be bound.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS),
        interceptors=list(interceptors),
        options=[("grpc.enable_http_proxy", 0), ("grpc.so_reuseport", 0)],
    )
    before = os.umask(0o007)
    try:
        server.add_insecure_port(f"unix:{path}")
    finally:
        os.umask(before)
    return server


def run(server: grpc.Server, make_servicer: Callable[[], PluginServicer]) -> None:
    """Accept calls until SIGTERM or SIGINT, then let running ones end for a moment."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    plugin_pb2_grpc.add_ActionPluginServiceServicer_to_server(make_servicer(), server)
    server.start()
    ended.wait()
    server.stop(STOP_GRACE_S).wait()
