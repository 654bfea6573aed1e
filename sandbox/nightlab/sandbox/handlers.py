"""Binds each command of the protocol to what carries it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.commands import Handler
from nightlab.sandbox.errors import LinkBroken, invalid
from nightlab.sandbox.jobs import JobTable, end_uid
from nightlab.sandbox.transfers import Transfers

if TYPE_CHECKING:
    from nightlab.sandbox.plugin_calls import PluginCalls
    from nightlab.sandbox.seal import Seal
    from nightlab.sandbox.seeds import Made


class Handlers:
    """What this supervisor can do.

    Attributes:
        transfers: Of the connection that is there; None while there is none.
    """

    def __init__(self, jobs: JobTable, shut_down: Callable[[], None]) -> None:
        self.transfers: Transfers | None = None
        self._jobs = jobs
        self._shut_down = shut_down
        self._trees: dict[str, set[str]] = {}
        self._seals: dict[str, Seal] = {}
        self._made: Made | None = None
        self._plugin: PluginCalls | None = None
        self._tree_lock = asyncio.Lock()

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by the command's field name."""
        return {
            "put_tree": self._put_tree,
            "start_job": self._start_job,
            "stop_job": self._stop_job,
            "read_files": self._read_files,
            "scan_tree": _on_thread("scan", "scan_tree"),
            "make_seed": _on_thread("seeds", "make_seed"),
            "link_seed": self._link_seed,
            "check_seal": self._check_seal,
            "end_processes": self._end_processes,
            "find_repo": _on_thread("repo_search", "find_repo"),
            "resolve_user": _on_thread("lookups", "resolve_user"),
            "probe_access": _on_thread("lookups", "probe_access"),
            "resolve_program": _on_thread("lookups", "resolve_program"),
            "call_plugin": self._call_plugin,
            "shutdown": self._shutdown,
        }

    def _blobs(self) -> Transfers:
        if self.transfers is None:
            raise LinkBroken("starting a transfer")
        return self.transfers

    async def _put_tree(self, command_id: str, request: pb.PutTree) -> pb.PutTreeResult:
        del command_id
        from nightlab.sandbox.seal import Seal
        from nightlab.sandbox.trees import Tree

        transfers = self._blobs()
        async with self._tree_lock:
            tree = Tree(request)
            earlier = self._trees.get(request.root, set())
            self._trees[request.root] = earlier | tree.paths
            needed = await asyncio.to_thread(tree.prepare, earlier)
            try:
                await transfers.fetch([entry.sha256 for entry in needed], lambda parts: tree.write(needed, parts))
            except BaseException:
                await asyncio.to_thread(tree.abandon)
                raise
            self._trees[request.root] = tree.holds(earlier)
            await asyncio.to_thread(tree.settle)
            digest = await asyncio.to_thread(tree.read_back)
            if tree.is_sealed and not request.in_part:
                self._seals[request.root] = Seal(request.root, tree)
            return pb.PutTreeResult(tree_digest=digest)

    async def _check_seal(self, command_id: str, request: pb.CheckSeal) -> pb.CheckSealResult:
        del command_id
        async with self._tree_lock:
            seal = self._seals.get(request.root)
            if seal is None:
                raise invalid(f"nothing was sealed under {request.root!r}")
            return await asyncio.to_thread(seal.check, request, self._seeds_made())

    async def _link_seed(self, command_id: str, request: pb.LinkSeed) -> pb.LinkSeedResult:
        del command_id
        from nightlab.sandbox.seeds import link_seed

        async with self._tree_lock:
            return await asyncio.to_thread(link_seed, request, self._seeds_made())

    def _seeds_made(self) -> Made:
        from nightlab.sandbox.seeds import Made

        if self._made is None:
            self._made = Made()
        return self._made

    async def _end_processes(self, command_id: str, request: pb.EndProcesses) -> pb.EndProcessesResult:
        del command_id
        killed, left = await asyncio.to_thread(end_uid, request.uid, request.timeout_ms / 1000)
        return pb.EndProcessesResult(killed=killed, left=left)

    async def _start_job(self, command_id: str, request: pb.StartJob) -> pb.StartJobResult:
        del command_id
        return pb.StartJobResult(pid=self._jobs.start(request).pid)

    async def _stop_job(self, command_id: str, request: pb.StopJob) -> pb.StopJobResult:
        del command_id
        await self._jobs.stop(request.job_id, request.grace_ms / 1000)
        return pb.StopJobResult()

    async def _read_files(self, command_id: str, request: pb.ReadFiles) -> pb.ReadFilesResult:
        from nightlab.sandbox.outputs import Reading

        return await Reading(command_id, request, self._blobs()).run()

    async def _call_plugin(self, command_id: str, request: pb.CallPlugin) -> pb.CallPluginResult:
        del command_id
        from nightlab.sandbox.plugin_calls import PluginCalls

        if self._plugin is None:
            self._plugin = PluginCalls()
        return await self._plugin.call(request)

    async def _shutdown(self, command_id: str, request: pb.Shutdown) -> pb.ShutdownResult:
        del command_id, request
        self._jobs.kill_all()
        self._shut_down()
        return pb.ShutdownResult()


def _on_thread(module: str, function: str) -> Handler:
    """Make a handler of a blocking function, imported when it is first needed: an idle supervisor stays small."""

    async def handle(command_id: str, request: Any) -> Any:
        del command_id
        from importlib import import_module

        work = getattr(import_module(f"nightlab.sandbox.{module}"), function)
        return await asyncio.to_thread(work, request)

    return handle
