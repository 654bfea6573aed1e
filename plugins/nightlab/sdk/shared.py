"""The process that nightlab's own plugins share: confined first, then each served on a socket of its own.

Started by the host with the arguments FOLDER NAME=MODULE:ATTRIBUTE... HOST_PID; a plugin is served at FOLDER/NAME.sock.
One that cannot be imported answers every call with the reason and hurts no other.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import grpc

from nightlab.api import confine
from nightlab.api.plugin.v1 import plugin_pb2_grpc
from nightlab.sdk.serve import STOP_GRACE_S, make_server
from nightlab.sdk.service import PluginServicer
from nightlab.sdk.worker import CpuRenewal, load


def main() -> None:
    """Confine this process and serve the plugins that the arguments name."""
    folder, *words, parent = sys.argv[1:]
    confine.limit(int(parent))
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    named = [word.partition("=")[::2] for word in words]
    loaded = [(name, _servicer(target)) for name, target in named]
    unprivileged = confine.can_change_user()
    if not unprivileged:
        confine.drop_capabilities()
    servers = [_server(Path(folder) / f"{name}.sock", servicer) for name, servicer in loaded]
    if unprivileged:
        confine.change_user(int(parent))
    _run(servers)


def _servicer(target: str) -> PluginServicer | Unusable:
    try:
        return PluginServicer(load(target))
    except Exception as error:  # whatever an import raises, it is this plugin's alone
        logging.getLogger(__name__).exception("%s cannot be imported", target)
        return Unusable(f"{target} cannot be imported: {error!r}"[:300])


class Unusable(grpc.GenericRpcHandler):  # type: ignore[misc, type-arg, unused-ignore]
    """Answers every call with the reason why there is no plugin."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Take any method."""
        return grpc.unary_unary_rpc_method_handler(self._refuse)

    def _refuse(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.INTERNAL, self._reason)
        return b""


def _server(path: Path, servicer: PluginServicer | Unusable) -> grpc.Server:
    server = make_server(str(path), [CpuRenewal()])
    if isinstance(servicer, Unusable):
        server.add_generic_rpc_handlers((servicer,))
    else:
        plugin_pb2_grpc.add_ActionPluginServiceServicer_to_server(servicer, server)
    return server


def _run(servers: list[grpc.Server]) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    for server in servers:
        server.start()
    ended.wait()
    for stopping in [server.stop(STOP_GRACE_S) for server in servers]:
        stopping.wait()
