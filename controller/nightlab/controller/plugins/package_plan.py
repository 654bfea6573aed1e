"""A plugin from an installed Python package: its files, sealed, and the toolbox's Python, in the toolbox's own image.

That image holds nothing but the toolbox. The package is read as bytes on the host and imported in the container alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nightlab.controller.engine import Engine, Scratch
from nightlab.controller.errors import PluginError
from nightlab.controller.images.toolbox import Toolbox
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.plugins.source import PluginSource
from nightlab.controller.plugins.workload import BARE_ENV, SOCKET, SOCKET_VARIABLE, Workload
from nightlab.controller.repo.blobs import BlobStore

PACKAGE_DIR: Final = "/run/package"
PACKAGE_BYTES: Final = 64 * 2**20
BLOCK_BYTES: Final = 4096
REGULAR: Final = 0o100644
# Behind the toolbox's own modules, as an installed package is behind the standard library.
SERVE: Final = """
import sys
sys.path.append(sys.argv[1])
from nightlab.sdk import serve
from nightlab.sdk.worker import load
serve(load(sys.argv[2]))
"""


class PackagePlan:
    """A `workload.Plan` of a package."""

    def __init__(self, engine: Engine, toolbox: Toolbox, blobs: BlobStore, source: PluginSource) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._blobs = blobs
        self._source = source

    async def image_id(self) -> str:
        """Return the image that the toolbox was built as.

        Raises:
            ImageError: The engine has it no more.
        """
        return (await self._engine.image(self._toolbox.image)).image_id

    def scratch(self) -> tuple[Scratch, ...]:
        """Return the directory of the package's files, with room for a block and a directory more for each."""
        sizes = [path.stat().st_size + 2 * BLOCK_BYTES for path in self._source.files.values()]
        return (Scratch(PACKAGE_DIR, sum(sizes) + 2**20),)

    async def workload(self, sandbox: Sandbox) -> Workload:
        """Seal the package's files in the container and return the toolbox's Python that serves them.

        Raises:
            LinkError: The sandbox did not take the files.
            PluginError: They are not those that the source's digest names.
        """
        tree = await asyncio.to_thread(package_tree, self._source.name, self._source.files, self._blobs)
        if self._source.digest.removeprefix("sha256:") not in ("", tree.digest):
            raise PluginError(
                f"the package of plugin {self._source.name} has changed since it was looked at",
                hint="start again; `nightlab plugin lock` takes a new version over",
            )
        await sandbox.put_tree(PACKAGE_DIR, tree)
        env = {**BARE_ENV, SOCKET_VARIABLE: SOCKET}
        return Workload(argv=(*self._python(env), "-c", SERVE, PACKAGE_DIR, self._source.target), env=env, cwd="/")

    def _python(self, env: Mapping[str, str]) -> tuple[str, ...]:
        """Return the toolbox's Python with the plugin's environment in place of the supervisor's."""
        helper, clean_env, *_ = self._toolbox.python
        program = self._toolbox.python[self._toolbox.python.index("--") :]
        return (helper, clean_env, *(f"{name}={value}" for name, value in env.items()), *program, "-B")


def package_tree(name: str, files: Mapping[str, Path], blobs: BlobStore) -> Tree:
    """Store a package's files and return them as a tree, whose digest is what a lock pins.

    Args:
        name: The plugin's, for the error's text.
        files: Path below the import root -> file on the host.
        blobs: Take the contents.

    Raises:
        PluginError: They are larger than 64 MiB together.
        RepoError: One cannot be read, or is no regular file.
    """
    entries, room = [], PACKAGE_BYTES
    for path, file in files.items():
        room -= file.stat().st_size
        if room < 0:
            raise PluginError(
                f"the package of plugin {name} has more than {PACKAGE_BYTES // 2**20} MiB of files",
                hint="serve it from a container image",
            )
        blob = blobs.put_file(file, max_bytes=PACKAGE_BYTES)
        entries.append(Entry(path, REGULAR, blob.size, blob.sha256))
    return Tree.of(entries)
