"""The process in which an installed plugin runs: confined first, then served on the host's socket.

Started by the host as `python -I -B -c '...; from nightlab.sdk.worker import main; main()' MODULE:ATTRIBUTE HOST_PID`.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import grpc

from nightlab.api import confine
from nightlab.sdk.action import Plugin
from nightlab.sdk.serve import SOCKET_VARIABLE, make_server, run
from nightlab.sdk.service import PluginServicer


class CpuRenewal(grpc.ServerInterceptor):  # type: ignore[misc, type-arg, unused-ignore]
    """Gives each call its own CPU limit: a hang ends by itself, a long night does not."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Renew, then go on."""
        confine.renew_cpu()
        return continuation(handler_call_details)


def main() -> None:
    """Confine this process and serve the plugin that the arguments name."""
    target, parent = sys.argv[1], int(sys.argv[2])
    confine.limit(parent)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    plugin = load(target)
    unprivileged = confine.can_change_user()
    if not unprivileged:
        confine.drop_capabilities()
    server = make_server(os.environ[SOCKET_VARIABLE], [CpuRenewal()])
    if unprivileged:
        confine.change_user(parent)
    run(server, lambda: PluginServicer(plugin))


def load(target: str) -> Plugin:
    """Import "module:attribute" and return the plugin there.

    Raises:
        TypeError: It is something else.
    """
    module, _, attribute = target.partition(":")
    plugin = getattr(importlib.import_module(module), attribute)
    if not isinstance(plugin, Plugin):
        raise TypeError(f"{target} is a {type(plugin).__name__}, not a nightlab.sdk.Plugin")
    return plugin
