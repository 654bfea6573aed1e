"""One smoke run of a tree: a few steps in a hardened container of its own, whose leavings reach no real run.

It also serves proofs, which compare what such runs print: so everything that was seen comes back, not only how it
ended. Whether a trial may be launched after it, and what a difference means, belong to `study` and `proof`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nightlab.controller.config.schema import Config, Constraint, Objective, Regex
from nightlab.controller.config.units import show_bytes, show_seconds
from nightlab.controller.engine import Reading
from nightlab.controller.errors import SandboxLost
from nightlab.controller.gate.verify import drifted
from nightlab.controller.link.values import JobExit
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Ending, SmokeReport, Usage
from nightlab.controller.scoring.measure import measure_run
from nightlab.controller.scoring.scan import scan_series, screen_line
from nightlab.controller.store.state_dir import StateDir, remove_tree
from nightlab.controller.trial.collect import collect
from nightlab.controller.trial.ending import Tail, name_ending
from nightlab.controller.trial.smoke_command import smoke_command, smoke_environment
from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest

SMOKE_JOB: Final = "smoke"
STOP_GRACE_S: Final = 5.0
MOST_LINES: Final = 20_000
LINE_CHARACTERS: Final = 2_000
READ_BYTES: Final = 2**20
TAIL_SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class SmokeRun:
    """What a smoke run did.

    Attributes:
        report: How it ended and what it took.
        lines: The first 20,000 lines that it printed, as a terminal shows them in the end; not the last one of a run
            that was ended, which may be half a line.
        values: Every number of each printed objective and constraint, in order; of one that is read from a file the
            number that counts, if there is one.
        files: Content of the files that objectives and constraints are read from, by path below the workspace.
    """

    report: SmokeReport
    lines: tuple[str, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


class SmokeRunner:
    """Makes smoke runs of one study."""

    def __init__(self, config: Config, site: Site, spawner: Spawner, state: StateDir) -> None:
        self._config = config
        self._site = site
        self._spawner = spawner
        self._state = state

    async def run(
        self,
        tree: Tree,
        share: Share,
        *,
        name: str,
        run_seed: int | None,
        stop: asyncio.Event,
        background: bool = False,
    ) -> SmokeRun:
        """Run a tree for a short while and leave nothing behind, cancelled or not.

        Args:
            tree: Its contents are in the study's blob store.
            share: Its part of the machine.
            name: Unique among the smoke runs of the study at a time, and part of the container's name: "t7-a1-smoke".
            run_seed: Replaces the seed where the config says how.
            stop: Ends it early; the report then says STOPPED.
            background: Run on processor time that nobody else wants, on any core, without a GPU.

        Raises:
            ConfigError: The command cannot be split.
            EngineError: The engine failed.
            LinkError: The sandbox was lost, and not for want of memory.
        """
        began = time.monotonic()
        folder = self._state.study(self._spawner.study_id) / "smoke" / name
        request = SpawnRequest(
            name=f"nightlab-{self._spawner.study_id}-{name}",
            role="smoke",
            share=Share(share.slot) if background else share,
            is_background=background,
        )
        self._forget(folder, request)
        try:
            async with self._spawner.spawn(request) as live:
                run = await self._smoke(live, tree, folder, run_seed, stop)
        finally:
            self._forget(folder, request)
        return replace(run, report=replace(run.report, wall_s=time.monotonic() - began))

    def _forget(self, folder: Path, request: SpawnRequest) -> None:
        """Remove what this run, or one of the name before a crash, left on the host: a job of old would be followed."""
        remove_tree(folder)
        (self._state.study(self._spawner.study_id) / "links" / request.name).unlink(missing_ok=True)

    async def _smoke(self, live: Live, tree: Tree, folder: Path, run_seed: int | None, stop: asyncio.Event) -> SmokeRun:
        digest = await live.seal(tree)
        changed = await self._drifted(live, tree)
        if changed or digest != tree.digest:
            what = ", ".join(changed[:3]) or "the tree as a whole"
            return SmokeRun(SmokeReport(Ending.NOT_AS_SEALED, f"not launched: {what} differs from what was sealed"))
        live.meter.mark_launch()
        launched = time.monotonic()
        log = folder / "output.log"
        try:
            exit_ = await self._job(live, log, run_seed, stop)
        except SandboxLost as lost:
            return await self._killed_whole(live, log, time.monotonic() - launched, lost)
        return await self._seen(live, tree, log, exit_, time.monotonic() - launched)

    async def _drifted(self, live: Live, tree: Tree) -> tuple[str, ...]:
        scan = await live.sandbox.scan_tree(self._site.workspace, [entry.path for entry in tree.entries])
        return drifted(tree, scan.entries)

    async def _job(self, live: Live, log: Path, run_seed: int | None, stop: asyncio.Event) -> JobExit:
        job = await live.sandbox.start_job(
            SMOKE_JOB,
            smoke_command(self._site, self._config, run_seed=run_seed),
            env=smoke_environment(self._site, self._config, run_seed=run_seed),
            cwd=self._site.workdir,
            uid=self._site.uid,
            gid=self._site.gid,
            wall_limit_s=self._config.smoke.timeout,
            stop_grace_s=STOP_GRACE_S,
            log=log,
        )
        exited = asyncio.create_task(job.exited())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({exited, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                await live.sandbox.stop_job(SMOKE_JOB, STOP_GRACE_S)
            return await exited
        finally:
            stopped.cancel()
            exited.cancel()

    # What was seen

    async def _seen(self, live: Live, tree: Tree, log: Path, exit_: JobExit, run_s: float) -> SmokeRun:
        meter = await asyncio.to_thread(live.meter.stop)
        is_whole = not (exit_.timed_out or exit_.stopped)
        lines, tail = await asyncio.to_thread(_read_log, log, is_whole)
        ending, reason = self._ending(exit_, meter, tail)
        if changed := await self._drifted(live, tree):
            ending, reason = Ending.NOT_AS_SEALED, f"{changed[0]} changed while it ran"
        files = (await collect(live.sandbox, self._measured_only(), self._site, log.parent)).contents()
        report = _report(ending, reason, run_s, meter, tail)
        if is_whole and not exit_.start_error:
            report = replace(report, exit_code=exit_.code if exit_.signal is None else -exit_.signal)
        return SmokeRun(report, lines, await asyncio.to_thread(self._values, log, files), files)

    async def _killed_whole(self, live: Live, log: Path, run_s: float, lost: SandboxLost) -> SmokeRun:
        """Name the end of a container that is gone: the run's own doing if its memory limit did it.

        Raises:
            SandboxLost: It was not; the machine lost it.
        """
        meter = await asyncio.to_thread(live.meter.stop)
        if not meter.oom_kills:
            raise lost
        lines, tail = await asyncio.to_thread(_read_log, log, False)
        reason = f"the kernel killed the whole container at train.memory ({show_bytes(self._config.train.memory)})"
        return SmokeRun(_report(Ending.OUT_OF_MEMORY, reason, run_s, meter, tail), lines)

    def _ending(self, exit_: JobExit, meter: Reading, tail: Tail) -> tuple[Ending, str]:
        smoke, memory = self._config.smoke, self._config.train.memory
        if exit_.timed_out and not exit_.stopped and not meter.oom_kills:
            if not smoke.must_end:
                return Ending.FINISHED, ""
            return Ending.TIMED_OUT, f"still running after smoke.timeout ({show_seconds(smoke.timeout)})"
        return name_ending(
            code=exit_.code,
            signal=exit_.signal,
            start_error=exit_.start_error,
            timed_out=False,
            stopped=exit_.stopped,
            oom_kills=meter.oom_kills,
            tail=tail,
            memory_bytes=memory,
            timeout_s=smoke.timeout,
        )

    def _measured_only(self) -> Config:
        """The config without declared outputs: a smoke run's checkpoints are nobody's."""
        return self._config.model_copy(update={"train": self._config.train.model_copy(update={"outputs": ()})})

    def _values(self, log: Path, files: Mapping[str, bytes]) -> dict[str, tuple[float, ...]]:
        quantities: list[Objective | Constraint] = [*self._config.objectives, *self._config.constraints]
        printed = {q.name: q.measure.pattern for q in quantities if isinstance(q.measure, Regex)}
        in_files = [q for q in quantities if q.measure.source in ("json", "csv")]
        counted = measure_run(in_files, log, files, Usage()) if in_files else ()
        return {
            **scan_series(log, printed),
            **{one.name: () if one.value is None else (one.value,) for one in counted},
        }


def _report(ending: Ending, reason: str, run_s: float, meter: Reading, tail: Tail) -> SmokeReport:
    return SmokeReport(
        ending=ending,
        reason=reason,
        run_s=run_s,
        peak_memory_bytes=meter.peak_memory_bytes,
        peak_gpu_bytes=meter.peak_gpu_bytes,
        tail=tail.last_lines(TAIL_SHOWN),
    )


def _read_log(log: Path, is_whole: bool) -> tuple[tuple[str, ...], Tail]:
    """Return the first lines of an output, and its tail."""
    lines: list[str] = []
    tail = Tail()
    for text, is_ended in _raw_lines(log) if log.exists() else ():
        shown = screen_line(text.decode(errors="replace"))[:LINE_CHARACTERS]
        tail.add(shown)
        if len(lines) < MOST_LINES and (is_ended or is_whole):
            lines.append(shown)
    return tuple(lines), tail


def _raw_lines(log: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield each line, of a very long one the end, and whether it was ended."""
    with log.open("rb") as file:
        held = b""
        while piece := file.readline(READ_BYTES):
            if piece.endswith(b"\n"):
                yield piece.rstrip(b"\r\n"), True
            held = b"" if piece.endswith(b"\n") else piece
        if held:
            yield held, False
