"""Binds each command of the protocol to what carries it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from nightlab.api.sandbox.v1 import sandbox_pb2 as pb
from nightlab.sandbox.commands import Handler
from nightlab.sandbox.errors import LinkBroken
from nightlab.sandbox.jobs import JobTable
from nightlab.sandbox.transfers import Transfers


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
            "link_seed": _on_thread("seeds", "link_seed"),
            "find_repo": _on_thread("repo_search", "find_repo"),
            "resolve_user": _on_thread("lookups", "resolve_user"),
            "probe_access": _on_thread("lookups", "probe_access"),
            "resolve_program": _on_thread("lookups", "resolve_program"),
            "shutdown": self._shutdown,
        }

    def _blobs(self) -> Transfers:
        if self.transfers is None:
            raise LinkBroken("starting a transfer")
        return self.transfers

    async def _put_tree(self, command_id: str, request: pb.PutTree) -> pb.PutTreeResult:
        del command_id
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
            self._trees[request.root] = tree.paths
            return pb.PutTreeResult(tree_digest=await asyncio.to_thread(tree.read_back))

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
