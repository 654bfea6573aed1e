"""A link over a real socket: the server in this process, the supervisor as a process of its own."""

import asyncio
import hashlib
import io
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nightlab.controller.link import LinkServer, Sandbox
from nightlab.controller.model.tree import Entry, Tree

ROOTS = ("proto", "controller", "sandbox", "plugins")
REPO = Path(__file__).parents[3]


class Blobs:
    """Contents in memory."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def open(self, sha256: str) -> io.BytesIO:
        return io.BytesIO(self.contents[sha256])

    def entry(self, path: str, content: bytes, mode: int = 0o100644) -> Entry:
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        return Entry(path, mode, len(content), sha256)

    def tree(self, files: dict[str, bytes], executable: tuple[str, ...] = ()) -> Tree:
        return Tree.of(self.entry(p, c, 0o100755 if p in executable else 0o100644) for p, c in files.items())


class Link:
    """One sandbox in a directory; the server and the supervisor can be replaced one by one."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.blobs = Blobs()
        self.socket_directory = base / "link"
        self.journal = base / "journal"
        self.workspace = base / "ws"
        self.supervisor: asyncio.subprocess.Process | None = None
        self.workspace.mkdir(mode=0o1777)
        self.workspace.chmod(0o1777)

    def server(self, **timing: float) -> LinkServer:
        timing = {"heartbeat_s": 0.2, "lost_after_s": 3.0, "grace_s": 20.0} | timing
        return LinkServer(self.socket_directory, blobs=self.blobs, journal=self.journal, **timing)

    async def start_supervisor(self) -> asyncio.subprocess.Process:
        roots = os.pathsep.join(str(REPO / root) for root in ROOTS)
        self.supervisor = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "nightlab.sandbox",
            "--socket",
            str(self.socket_directory / "link.sock"),
            env={"PATH": os.environ["PATH"], "PYTHONPATH": roots, "MALLOC_ARENA_MAX": "1"},
            stderr=(self.base / "supervisor.log").open("ab"),
        )
        return self.supervisor

    async def stop_supervisor(self) -> None:
        if self.supervisor is not None and self.supervisor.returncode is None:
            self.supervisor.kill()
            await self.supervisor.wait()

    @asynccontextmanager
    async def sandbox(self, **timing: float) -> AsyncIterator[Sandbox]:
        server = self.server(**timing)
        await server.start()
        try:
            if self.supervisor is None:
                await self.start_supervisor()
            yield await server.connected(30)
        finally:
            await server.stop()


@pytest.fixture
def base() -> Iterator[Path]:
    """A short path (a socket's is at most 107 bytes) that every uid may enter."""
    with tempfile.TemporaryDirectory(prefix="nl-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
async def link(base: Path) -> AsyncIterator[Link]:
    link = Link(base)
    yield link
    await link.stop_supervisor()


@pytest.fixture
async def sandbox(link: Link) -> AsyncIterator[Sandbox]:
    async with link.sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def new_uid() -> Callable[[], int]:
    """Uids that nothing else on this machine uses: a job's end kills every process of its uid."""
    numbers = iter(range(700_000 + os.getpid() % 10_000 * 100, 2_000_000))
    return lambda: next(numbers)
