"""A plugin's image under the conformance kit: each life is a container, confined and called as in a study.

The kit waits for each call and the containers' side does not, so the latter has an event loop on a thread of its own.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import grpc

from nightlab.controller.actions.runtime import CallFailed
from nightlab.controller.config.plugin import Plugin
from nightlab.controller.engine import Engine
from nightlab.controller.errors import ConfigError, NightlabError
from nightlab.controller.images.toolbox import ensure_toolbox
from nightlab.controller.plugins.container import ContainerRuntime
from nightlab.controller.plugins.container import Life as Started
from nightlab.controller.plugins.containers import PluginContainers
from nightlab.controller.plugins.image_plan import ImagePlan
from nightlab.controller.plugins.images import inspecting
from nightlab.controller.plugins.interview import leave_nothing
from nightlab.controller.plugins.loop_thread import LoopThread
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.plugins.workload import WithoutSocket
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.sdk.conformance.target import Bare, CallError, Ended, StartError, Watched

NAME: Final = "checked"
Note = Callable[[str], None]
KILLED: Final = 9
CLEAN: Final = (0, -15, 128 + 15)


class ImageTarget:
    """A `nightlab.sdk.conformance.Target` around an image; a context, after which nothing of it is on the engine."""

    def __init__(self, reference: str, command: Sequence[str] = (), *, note: Note) -> None:
        """Look at nothing yet.

        Args:
            reference: Of the image; nothing is pulled.
            command: What to start in it; empty: its ENTRYPOINT and CMD.
            note: Is told what takes time.
        """
        self._note = note
        self._reference = reference
        self._command = tuple(command)
        self._limits = Plugin(image=reference, command=self._command)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Connect to the engine.

        Raises:
            ConfigError: It has no such image.
            EngineError: It does not answer, or the toolbox cannot be made.
        """
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nightlab-check-"))
            self._loop = stack.enter_context(LoopThread())
            opened = AsyncExitStack()
            stack.callback(lambda: self._loop.run(opened.aclose()))
            stack.callback(self._loop.settle)
            self._ground = self._loop.run(_opened(opened, Path(folder), self._reference, self._command, self._note))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove all that is left."""
        self._stack.close()

    def start(self) -> ImageLife:
        """Start a container and the plugin in it.

        Raises:
            StartError: The image or its program does not start.
        """
        runtime = self._ground.containers.runtime(self._ground.source, self._limits)
        return ImageLife(self._loop, runtime, self._started(runtime))

    def start_bare(self, timeout_s: float) -> Bare:
        """Start the image's program without a socket and wait for its end.

        Raises:
            StartError: It cannot be started.
        """
        plan = WithoutSocket(ImagePlan(self._ground.engine, self._ground.source))
        runtime = self._ground.containers.planned(NAME, self._limits, plan)
        started = self._started(runtime)
        try:
            return self._loop.run(_bare_end(started, timeout_s))
        finally:
            self._loop.run(runtime.stop(gently=False))

    def _started(self, runtime: ContainerRuntime) -> Started:
        try:
            self._loop.run(runtime.start())
        except OSError as error:
            raise StartError(f"{error}; try it by hand: docker run --rm {self._reference}") from error
        assert runtime.life is not None, "was started"
        return runtime.life


class ImageLife:
    """A `target.Life` in a container."""

    def __init__(self, loop: LoopThread, runtime: ContainerRuntime, started: Started) -> None:
        self._loop = loop
        self._runtime = runtime
        self._started = started
        self._seen = Watched()
        started.meter.start()

    @property
    def alive(self) -> bool:
        """Whether the plugin has not ended."""
        return self._runtime.alive

    def call(self, method: str, request: bytes, *, timeout_s: float, wait_for_ready: bool = False) -> bytes:
        """Carry one call.

        Raises:
            CallError: There is no answer.
        """
        answer = self._runtime.call(method, request, timeout_s=timeout_s, wait_for_ready=wait_for_ready)
        try:
            return self._loop.run(_unless_ended(self._runtime, answer))
        except CallFailed as failed:
            raise CallError(failed.code, failed.details) from failed

    def terminate(self, patience_s: float) -> Ended:
        """Send SIGTERM, wait so long, then remove its container."""
        try:
            return self._loop.run(_terminated(self._started, patience_s))
        finally:
            self.kill()

    def kill(self) -> None:
        """Remove its container at once."""
        if self._runtime.life is None:
            return
        seen = self.watched()
        self._started.meter.stop()
        self._seen = replace(seen, last_words=self._loop.run(self._runtime.stop(gently=False)))

    def watched(self) -> Watched:
        """Tell what was seen of it."""
        if self._runtime.life is None:
            return self._seen
        job = self._started.job
        return Watched(
            peak_memory_bytes=self._started.meter.read().peak_memory_bytes,
            printed_bytes=job.ends().stdout_offset,
            last_words=job.last_words.decode(errors="replace").strip(),
            walls=_walls(self._started),
        )


@dataclass(frozen=True, slots=True)
class _Ground:
    engine: Engine
    containers: PluginContainers
    source: PluginSource


async def _opened(stack: AsyncExitStack, folder: Path, reference: str, command: tuple[str, ...], note: Note) -> _Ground:
    state = StateDir.of_repo(folder)
    state.create()
    engine = await Engine.open(state.root)
    stack.push_async_callback(leave_nothing, engine, note)
    image = await asyncio.to_thread(inspecting(engine.client), reference)
    if image is None:
        raise ConfigError(f"the engine has no image {reference!r}", hint=f"docker pull {reference}, or build it")
    toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=note)
    study_id = f"check-{secrets.token_hex(3)}"
    containers = PluginContainers(engine, toolbox, state, study_id, BlobStore(state.blobs))
    source = PluginSource(NAME, "image", digest=str(image["Id"]), image_id=str(image["Id"]), command=command)
    return _Ground(engine, containers, source)


async def _unless_ended(runtime: ContainerRuntime, answer: Coroutine[Any, Any, bytes]) -> bytes:
    """Wait for an answer as long as there is a plugin; one that ends at its start answers nothing."""
    calling, ending = asyncio.ensure_future(answer), asyncio.ensure_future(runtime.wait())
    try:
        await asyncio.wait({calling, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not calling.done():
            raise CallFailed(grpc.StatusCode.UNAVAILABLE, "it ended before it answered")
        return calling.result()
    finally:
        ending.cancel()
        calling.cancel()


async def _terminated(started: Started, patience_s: float) -> Ended:
    try:
        await started.linked.sandbox.stop_job(started.job.job_id, patience_s)
        end = await started.job.exited()
    except NightlabError as error:
        return Ended(False, f"lost with its container ({error})", False)
    if end.signal == KILLED:
        return Ended(False, "still running", False)
    return Ended(True, _how(end.code, end.signal), _status(end.code, end.signal) in CLEAN, end.killed_processes)


async def _bare_end(started: Started, timeout_s: float) -> Bare:
    words = started.job
    try:
        async with asyncio.timeout(timeout_s):
            end = await started.job.exited()
    except TimeoutError:
        return Bare(None, words.last_words.decode(errors="replace"))
    if end.start_error:
        raise StartError(f"its program cannot be started: {end.start_error}")
    return Bare(_status(end.code, end.signal), words.last_words.decode(errors="replace"))


def _status(code: int | None, signal: int | None) -> int:
    return -(signal or 0) or code or 0


def _how(code: int | None, signal: int | None) -> str:
    return f"exit status {code}" if signal is None else f"signal {signal}"


def _walls(started: Started) -> dict[str, bool]:
    """What the engine says of the running container, which its policy was held against before it was started."""
    words, uid = started.linked.container.posture, started.workload.uid
    return {
        "no network": words.get("network") == "none",
        "system calls filtered": words.get("seccomp", "none") != "none",
        "read-only root, no capabilities, limits": words.get("level", "degraded") != "degraded",
        f"uid {uid}, not root": uid != 0,
    }
