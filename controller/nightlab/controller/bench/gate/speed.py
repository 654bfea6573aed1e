"""How long the gate keeps a launch that nobody wrote into: against bare ruff, and by the number of files."""

from __future__ import annotations

import asyncio
import itertools
import os
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from nightlab.controller.bench.gate.cases import Program
from nightlab.controller.bench.gate.ground import Ground
from nightlab.controller.bench.gate.real import RealGate
from nightlab.controller.bench.gate.tools import tool_path, write_files
from nightlab.controller.bench.table import Bar, Row
from nightlab.controller.config.schema import MiB
from nightlab.controller.errors import LinkError
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.gate.lint import lint
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.trial.gating import Gate
from nightlab.controller.trial.judging import Judge
from nightlab.controller.trial.seal import Sealer
from nightlab.controller.trial.spawn import Live, SpawnRequest

MS: Final = 1000.0
ROUNDS: Final = 5
FILES: Final = 300
SIZES: Final = (30, 300, 3000)
DATA_BYTES: Final = 256 * MiB
PARTS: Final = 4
WORKSPACE_BYTES: Final = 640 * MiB
LEAST_BYTES: Final = 200
RUFF: Final = ("check", "--isolated", "--no-cache", "--quiet", "--exit-zero", ".")


async def measure_speed(gate: RealGate) -> list[Row]:
    """Measure everything, each sample in a container of its own."""
    ground = await gate.ground(Program("speed", {}))
    train = ground.config.train.model_copy(update={"workspace_size": WORKSPACE_BYTES})
    roomy = replace(ground, config=ground.config.model_copy(update={"train": train}))
    async with Explainer() as explainer:
        rows = [await _against_ruff(roomy, explainer)]
    for count, has_data in itertools.product(SIZES, (False, True)):
        rows += await _seal_and_verify(roomy, count, has_data=has_data)
    return rows


async def _against_ruff(ground: Ground, explainer: Explainer) -> Row:
    """Time the whole gate, from the sealed tree on the host to the launch, and `ruff check` of the same files here."""
    files = dict(itertools.islice(sources(), FILES))
    ours, bare, reading = [], [], []
    known = await _findings(ground, files)
    with tempfile.TemporaryDirectory(prefix="nightlab-speed-") as name:
        await asyncio.to_thread(write_files, Path(name), files)
        for _ in range(ROUNDS):
            bare.append(await _bare_ruff(Path(name)))
            sealed, verified = await _gate_once(ground, files, known, explainer)
            ours.append(sealed + verified)
            reading.append(verified)
    note = f"of it ruff in the sandbox and verifying {min(reading):.0f}-{max(reading):.0f} ms, the rest is sealing"
    what = f"the whole gate, {FILES} files"
    return Row("gate", what, "ms", ours, Bar(100.0, "difference"), "ruff check of the same", bare, note)


async def _findings(ground: Ground, files: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Return what ruff finds in files, as a study's probe does before its first trial."""
    with ground.place() as place:
        tree = place.tree(files)
        name = f"nightlab-{ground.study_id}-speed{place.number}"
        async with place.spawner.spawn(SpawnRequest(name=name, role="probe")) as live:
            await live.seal(tree)
            return (await lint(live, tree, root=ground.site.workspace, python=ground.site.python)).findings


async def _bare_ruff(folder: Path) -> float:
    began = time.perf_counter()
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(tool_path("ruff"), *RUFF, cwd=folder, stdout=quiet, stderr=quiet)
    if await child.wait() != 0:
        raise LinkError(f"ruff ended with {child.returncode}")
    return (time.perf_counter() - began) * MS


async def _gate_once(
    ground: Ground, files: Mapping[str, bytes], known: tuple[Finding, ...], explainer: Explainer
) -> tuple[float, float]:
    """Return milliseconds of sealing, and of reading and verifying a tree that is its own base."""
    with ground.place() as place:
        tree = place.propose(files)
        sealer = Sealer(ground.site, place.blobs, explainer, place.state.root / "passing")
        judge = Judge(tree, known, place.blobs, explainer)
        gate = Gate(ground.config, ground.site, sealer, judge)
        name = f"nightlab-{ground.study_id}-speed{place.number}"
        async with place.spawner.spawn(SpawnRequest(name=name, role="trial")) as live:
            sealed = await _timed_seal(sealer, live, tree)
            began = time.perf_counter()
            passed = await gate.look(live, tree, ())
            if not passed.stamp:
                raise LinkError(f"the gate is closed to the standard library: {passed}"[:500])
            return sealed, (time.perf_counter() - began) * MS


async def _seal_and_verify(ground: Ground, count: int, *, has_data: bool) -> Sequence[Row]:
    files = dict(itertools.islice(sources(), count))
    if has_data:
        files |= {f"data/{part}.bin": os.urandom(DATA_BYTES // PARTS) for part in range(PARTS)}
    with ground.place() as place:
        tree = place.tree(files)
        sealer = Sealer(ground.site, place.blobs, None, place.state.root / "passing")
        name = f"nightlab-{ground.study_id}-speed{place.number}"
        async with place.spawner.spawn(SpawnRequest(name=name, role="trial")) as live:
            sealed = await _timed_seal(sealer, live, tree)
            verified = [await _timed_verify(sealer, live, tree) for _ in range(ROUNDS)]
    what = f"{count} files{' and 256 MiB of data' if has_data else ''}"
    key = f"{count}{'-data' if has_data else ''}"
    return Row(f"seal-{key}", f"seal {what}", "ms", [sealed]), Row(f"verify-{key}", f"verify {what}", "ms", verified)


async def _timed_seal(sealer: Sealer, live: Live, tree: Tree) -> float:
    began = time.perf_counter()
    await sealer.seal(live, tree)
    return (time.perf_counter() - began) * MS


async def _timed_verify(sealer: Sealer, live: Live, tree: Tree) -> float:
    began = time.perf_counter()
    verified = await sealer.verify(live, tree)
    if verified.digest != tree.digest:
        raise LinkError(f"a tree of {len(tree.entries)} files inside is not what was sealed")
    return (time.perf_counter() - began) * MS


def sources() -> Iterator[tuple[str, bytes]]:
    """Yield real Python files with numbered names: the standard library's, then those of installed packages."""
    paths = sysconfig.get_paths()
    library, packages = Path(paths["stdlib"]), Path(paths["purelib"])
    own = (path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts)
    number = itertools.count()
    for path in itertools.chain(own, sorted(packages.rglob("*.py"))):
        content = path.read_bytes()
        if len(content) >= LEAST_BYTES and b"\0" not in content:
            yield f"package{next(number) // 50}/{path.stem}_{next(number)}.py", content
