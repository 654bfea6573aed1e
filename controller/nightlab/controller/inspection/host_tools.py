"""Runs ruff on the host on copies of files, in a confined child: what `gate` asks of a sandbox, without a container.

The child has no network, limits on memory, time and file size, and where this is root a user of its own. It reads the
copies only; the working tree is never given to it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from asyncio import StreamReader
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ruff import find_ruff_bin

from nightlab.api import confine
from nightlab.controller.child import Child
from nightlab.controller.errors import LinkError, RepoError
from nightlab.controller.images.base import open_modes
from nightlab.controller.repo.objects import entry_error
from nightlab.controller.text import inert

OUTPUT_BYTES: Final = 64 * 2**20
MEMORY_BYTES: Final = 4 * 2**30
THREADS: Final = "4"  # of ruff; each reserves address space


class HostTools:
    """A `gate.lint.ToolRunner` on copies in a private directory that is gone afterwards."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nightlab-gate-", ignore_cleanup_errors=True)

    @property
    def ruff(self) -> str:
        """The pinned ruff of this environment."""
        return str(find_ruff_bin())

    async def __aenter__(self) -> Self:
        """Give the directory to the user that tools run as."""
        if confine.can_change_user():
            os.chown(self._folder.name, confine.WORKER_ID, confine.WORKER_ID)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the copies."""
        await asyncio.to_thread(self._folder.cleanup)

    def write(self, name: str, files: Mapping[str, bytes]) -> str:
        """Write a tree of copies and return its directory.

        Raises:
            RepoError: A path cannot be written.
        """
        root = Path(self._folder.name) / name
        root.mkdir()
        for path, content in files.items():
            if (wrong := entry_error(path)) is not None:
                raise RepoError(f"the path {inert(path)!r} {wrong}; rename it")
            target = root / path
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            except OSError as error:
                raise RepoError(f"a copy of {inert(path)!r} cannot be written: {error.strerror}") from error
        open_modes(root)
        return str(root)

    async def run_tool(self, name: str, argv: Sequence[str], *, cwd: str, uid: int, timeout_s: float) -> bytes:
        """Return stdout of a tool that exited with 0.

        Args:
            name: For errors.
            argv: The tool and its arguments.
            cwd: A directory that `write` returned.
            uid: Of a sandbox; here the tool runs as the worker's user, or as this process's.
            timeout_s: Limit.

        Raises:
            LinkError: It did not run, failed, or printed too much.
        """
        env = {"RAYON_NUM_THREADS": THREADS, "HOME": self._folder.name, "TMPDIR": self._folder.name}
        module = "nightlab.controller.inspection.host_tools"
        child = await Child.start(module, [cwd, *argv], env=env, piped=True)
        how = ""
        try:
            async with asyncio.timeout(timeout_s):
                output = await _read(child.output)
                await child.wait()
        except TimeoutError:
            raise LinkError(f"{name} did not end within {timeout_s:.0f} s") from None
        finally:
            how = await child.stop(gently=False)
        if how.partition(";")[0] != "it ended with status 0":
            raise LinkError(f"{name} on the host failed: {inert(how, 400)}")
        return output


async def _read(stream: StreamReader) -> bytes:
    parts, size = [], 0
    while chunk := await stream.read(1 << 16):
        size += len(chunk)
        if size > OUTPUT_BYTES:
            raise LinkError(f"a tool printed more than {OUTPUT_BYTES} bytes")
        parts.append(chunk)
    return b"".join(parts)


def main() -> None:
    """Confine this process, then become the tool: the directory, the tool, its arguments, the host's process id."""
    folder, *command, parent = sys.argv[1:]
    confine.limit(int(parent), file_bytes=0, memory_bytes=MEMORY_BYTES)
    os.chdir(folder)
    if confine.can_change_user() and _is_for_all(Path(command[0])):
        confine.change_user(int(parent))
    else:
        confine.drop_capabilities()
    os.execv(command[0], command)  # noqa: S606  no shell, and the program is ours


def _is_for_all(program: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (program, *program.parents))
