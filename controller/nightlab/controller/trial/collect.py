"""Takes declared files out of a sandbox after a run: outputs to keep, and files that hold a measured quantity."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nightlab.controller.config.schema import Config, MiB
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.link.values import ReadResult
from nightlab.controller.model.site import Site
from nightlab.controller.scoring.measure import measured_paths
from nightlab.controller.store.state_dir import remove_tree

MEASURE_FILE_BYTES: Final = 16 * MiB
OUTPUT_FILES: Final = 1000


@dataclass(frozen=True, slots=True)
class Collected:
    """What was taken out.

    Attributes:
        directory: Where files that hold measured quantities lie, by their relative path.
        kept: Declared outputs, relative path -> bytes.
        skipped: Declared outputs that were not taken, relative path -> reason.
    """

    directory: Path
    kept: dict[str, int]
    skipped: dict[str, str]

    def contents(self) -> dict[str, bytes]:
        """Return the files that hold measured quantities, relative path -> content."""
        found = (path for path in self.directory.rglob("*") if path.is_file())
        return {path.relative_to(self.directory).as_posix(): path.read_bytes() for path in found}


async def collect(sandbox: Sandbox, config: Config, site: Site, trial_dir: Path) -> Collected:
    """Read what the config declares; a missing file is no error here."""
    measures = trial_dir / "measured"
    outputs = trial_dir / "outputs"
    paths = measured_paths((*config.objectives, *config.constraints))
    if paths:
        await _read(sandbox, site, paths, measures, MEASURE_FILE_BYTES, MEASURE_FILE_BYTES * len(paths))
    if not config.train.outputs:
        return Collected(measures, {}, {})
    limit = config.train.output_limit
    read = await _read(sandbox, site, config.train.outputs, outputs, limit, limit)
    return Collected(measures, dict(read.files), dict(read.skipped))


def _make_empty(directory: Path) -> None:
    """What an earlier attempt left there is not this run's."""
    remove_tree(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _read(
    sandbox: Sandbox, site: Site, globs: tuple[str, ...], into: Path, file_bytes: int, total_bytes: int
) -> ReadResult:
    await asyncio.to_thread(_make_empty, into)
    return await sandbox.read_files(
        site.workspace,
        globs,
        into=into,
        max_files=OUTPUT_FILES,
        max_file_bytes=file_bytes,
        max_total_bytes=total_bytes,
        as_uid=site.uid,
        as_gid=site.gid,
    )
