"""What a plugin costs: the start of its container, and a call there and in the worker of nightlab's own."""

from __future__ import annotations

import time
from typing import Final

from nightlab.api.plugin.v1 import plugin_pb2 as pb
from nightlab.controller.actions.process import ProcessRuntime
from nightlab.controller.actions.runtime import PluginRuntime
from nightlab.controller.bench.latency import MS, timed_bare
from nightlab.controller.bench.stand import Stand
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.config.plugin import Plugin
from nightlab.controller.plugins.containers import PluginContainers
from nightlab.controller.plugins.source import PluginSource

STARTS: Final = 8
CALLS: Final = 200
WARM_UP: Final = 20
TIMEOUT_S: Final = 20.0
INFO: Final = pb.GetPluginInfoRequest(host_version="0").SerializeToString()
MODULE: Final = '''\
from nightlab.sdk import Edits, Plugin, action


@action(reads=["*.txt"])
def nothing(ws: Edits) -> None:
    """Change nothing."""


PLUGIN = Plugin("plain", "1", (nothing,))
'''


async def start(stand: Stand) -> Row:
    """Start a package's container up to the plugin's first answer; against a container that ends at once."""
    ours, bare = [], []
    for _ in range(STARTS):
        bare.append(await timed_bare(stand, "true"))
        began = time.perf_counter()
        runtime = _contained(stand)
        await runtime.start()
        try:
            await _ask(runtime)
            ours.append((time.perf_counter() - began) * MS)
        finally:
            await runtime.stop(gently=False)
    peer = "docker run --network none IMAGE true"
    return Row("plugin-start", "plugin's container to its first answer", "ms", ours, Bar(1000.0), peer, bare)


async def call_contained(stand: Stand) -> Row:
    """Call a plugin in its container, again and again."""
    return Row("plugin-call", "call of a plugin in its container", "ms", await _timed(_contained(stand)), Bar(2.0))


async def call_in_worker(stand: Stand) -> Row:
    """Call a plugin in a worker process."""
    worker = ProcessRuntime("plain:PLUGIN", [str(_module(stand).files["plain.py"].parent)])
    return Row("worker-call", "call of a plugin in the worker", "ms", await _timed(worker), Bar(1.0))


async def _timed(runtime: PluginRuntime) -> list[float]:
    await runtime.start()
    try:
        for _ in range(WARM_UP):
            await _ask(runtime)
        return [await _ask(runtime) for _ in range(CALLS)]
    finally:
        await runtime.stop(gently=False)


async def _ask(runtime: PluginRuntime) -> float:
    """Make the call that costs a plugin nothing, and return how long it took in ms."""
    began = time.perf_counter()
    await runtime.call("GetPluginInfo", INFO, timeout_s=TIMEOUT_S, wait_for_ready=True)
    return (time.perf_counter() - began) * MS


def _contained(stand: Stand) -> PluginRuntime:
    containers = PluginContainers(stand.engine, stand.toolbox, stand.state, stand.study_id, stand.blobs)
    return containers.runtime(_module(stand), Plugin(package="plain"))


def _module(stand: Stand) -> PluginSource:
    path = stand.state.root / "plain" / "plain.py"
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text(MODULE)
    return PluginSource("plain", "package", target="plain:PLUGIN", files={"plain.py": path})
