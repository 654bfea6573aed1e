"""One attempt at a trial: spawn, seal, gate, launch, collect.

Takes a spec, tells its phases and output on the way, returns an outcome. Where it runs is the spawner's matter, what
the outcome means is the study's. An error of the machine leaves as EngineError or LinkError; whatever the trial's own
code does is an outcome.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from nightlab.controller.config.schema import Config, Constraint, Objective
from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import LinkError, SandboxLost
from nightlab.controller.gate.findings import new_findings
from nightlab.controller.gate.lint import lint
from nightlab.controller.gate.verify import IMPORTABLE, added_importable, drifted
from nightlab.controller.link.job import Job
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.link.values import JobExit
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.trial import Ending, Finding, GateReport, Phase, TrialOutcome, TrialSpec, Usage
from nightlab.controller.scoring.measure import measure_run
from nightlab.controller.scoring.scan import screen_line
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.trial.collect import Collected, collect
from nightlab.controller.trial.ending import Tail, name_ending
from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest

log: Final = structlog.get_logger()
TRAIN_JOB: Final = "train"
STOP_GRACE_S: Final = 5.0
IMPORTABLE_LISTED: Final = 20_000
HOST_GRACE_S: Final = 30.0  # beyond the supervisor's own limit the host ends the container itself
Emit = Callable[[Phase, str], None]
Line = Callable[[str], None]
TakeOut = Callable[[Sandbox, Config, Site, Path], Awaitable[Collected]]


@dataclass(frozen=True, slots=True)
class _Context:
    spec: TrialSpec
    live: Live
    log: Path
    stop: asyncio.Event
    emit: Emit
    line: Line
    began: float


class TrialWalk:
    """Walks attempts of trials that share a site."""

    def __init__(
        self,
        config: Config,
        site: Site,
        spawner: Spawner,
        state: StateDir,
        base_findings: tuple[Finding, ...],
        take_out: TakeOut = collect,
    ) -> None:
        self._config = config
        self._site = site
        self._spawner = spawner
        self._state = state
        self._base_findings = base_findings
        self._take_out = take_out

    async def run(self, spec: TrialSpec, share: Share, *, stop: asyncio.Event, emit: Emit, line: Line) -> TrialOutcome:
        """Walk from the spawn to the outcome and leave nothing behind.

        Raises:
            EngineError: The engine failed; PostureError if the container was not as the policy asks.
            LinkError: The sandbox was lost.
        """
        began = time.monotonic()
        emit(Phase.SPAWNING, "")
        async with self._spawner.spawn(self._request(spec, share)) as live:
            context = self._context(spec, live, stop, emit, line, began)
            emit(Phase.SEALING, "")
            digest = await live.seal(spec.tree)
            emit(Phase.GATING, "")
            gate = await self._gate(context, digest)
            if gate.blocking or gate.drift or digest != spec.tree.digest:
                return self._not_launched(context, gate)
            emit(Phase.RUNNING, "")
            live.meter.mark_launch()
            launched = time.monotonic()
            job = await live.sandbox.start_job(
                TRAIN_JOB,
                spec.argv,
                env=spec.env,
                cwd=spec.cwd,
                uid=self._site.uid,
                gid=self._site.gid,
                wall_limit_s=self._config.train.timeout,
                stop_grace_s=STOP_GRACE_S,
                log=context.log,
            )
            return await self._follow(context, job, gate, launched)

    async def resume(
        self, spec: TrialSpec, share: Share, *, stop: asyncio.Event, emit: Emit, line: Line, spent_s: float
    ) -> TrialOutcome:
        """Go on with an attempt that was launched before this process began.

        Args:
            spec: As for `run`.
            share: As for `run`.
            stop: As for `run`.
            emit: As for `run`.
            line: As for `run`.
            spent_s: Seconds since its launch; they count against its timeout.

        Raises:
            SandboxLost: Its container is gone, or its supervisor is another one than then.
        """
        began = time.monotonic() - spent_s
        async with self._spawner.adopt(self._request(spec, share)) as live:
            context = self._context(spec, live, stop, emit, line, began)
            scan = await live.sandbox.scan_tree(self._site.workspace, [e.path for e in spec.tree.entries])
            inside = "" if drifted(spec.tree, scan.entries) else spec.tree.digest
            gate = GateReport(digest_outside=spec.tree.digest, digest_inside=inside, inherited=self._base_findings)
            job = live.sandbox.attach_job(TRAIN_JOB, context.log)
            return await self._follow(context, job, gate, time.monotonic() - spent_s)

    def _context(
        self, spec: TrialSpec, live: Live, stop: asyncio.Event, emit: Emit, line: Line, began: float
    ) -> _Context:
        log = self._state.log(spec.study_id, spec.number, spec.attempt)
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Context(spec, live, log, stop, emit, line, began)

    def _request(self, spec: TrialSpec, share: Share) -> SpawnRequest:
        return SpawnRequest(
            name=spec.container_name, role="trial", trial=str(spec.number), attempt=str(spec.attempt), share=share
        )

    # Gate

    async def _gate(self, context: _Context, digest: str) -> GateReport:
        """Read the sealed tree with ruff, then compare every sealed byte once more, right before the launch."""
        spec, live = context.spec, context.live
        report = await lint(live, spec.tree, root=self._site.workspace, python=self._site.python)
        scan = await live.sandbox.scan_tree(self._site.workspace, [e.path for e in spec.tree.entries])
        return GateReport(
            blocking=new_findings(report.findings, self._base_findings),
            inherited=self._base_findings,
            digest_outside=spec.tree.digest,
            digest_inside=digest,
            drift=drifted(spec.tree, scan.entries),
            target_version=report.target_version,
            target_source=report.target_source,
            linted_files=report.linted_files,
            notes=report.notes,
        )

    def _not_launched(self, context: _Context, gate: GateReport) -> TrialOutcome:
        """Name why. A tree that is not the sealed one comes first: what ruff says of it is not its author's."""
        spec = context.spec
        if gate.drift or gate.digest_inside != spec.tree.digest:
            what = ", ".join(gate.drift[:3]) or "the tree as a whole"
            reason = f"not launched: {what} differs from what was sealed"
            return self._outcome(context, Ending.NOT_AS_SEALED, reason, gate)
        first = gate.blocking[0]
        reason = f"ruff: {first.path}:{first.line}: {first.code} {first.message}"
        return self._outcome(context, Ending.GATE_REJECTED, reason, gate)

    # Run

    async def _follow(self, context: _Context, job: Job, gate: GateReport, launched: float) -> TrialOutcome:
        tail = Tail()
        reader = asyncio.create_task(_read(job, tail, context.line))
        try:
            exit_ = await self._wait(context, job, launched)
            train_s = time.monotonic() - launched
            await reader
        except SandboxLost as lost:
            return await self._killed_whole(context, gate, time.monotonic() - launched, lost)
        finally:
            reader.cancel()
        context.emit(Phase.COLLECTING, "")
        return await self._collect(context, exit_, gate, tail, train_s)

    async def _killed_whole(
        self, context: _Context, gate: GateReport, train_s: float, lost: SandboxLost
    ) -> TrialOutcome:
        """Name the end of a container whose supervisor went too: the run's own doing if its memory limit did it.

        Raises:
            SandboxLost: It was not; the machine lost the attempt.
        """
        seen = await asyncio.to_thread(context.live.meter.stop)
        if not seen.oom_kills:
            raise lost
        usage = Usage(
            train_s=train_s, peak_memory_bytes=seen.peak_memory_bytes, kernel_peak_bytes=seen.kernel_peak_bytes
        )
        reason = f"the kernel killed the whole container at train.memory ({show_bytes(self._config.train.memory)})"
        return self._outcome(context, Ending.OUT_OF_MEMORY, reason, gate, usage)

    async def _wait(self, context: _Context, job: Job, launched: float) -> JobExit:
        """Wait for the exit; the host's own clock ends what the supervisor does not."""
        exited = asyncio.create_task(job.exited())
        stopped = asyncio.create_task(context.stop.wait())
        limit = launched + self._config.train.timeout + STOP_GRACE_S + HOST_GRACE_S - time.monotonic()
        try:
            await asyncio.wait({exited, stopped}, timeout=max(0.0, limit), return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                await context.live.sandbox.stop_job(TRAIN_JOB, STOP_GRACE_S)
            return await asyncio.wait_for(exited, HOST_GRACE_S)
        except TimeoutError as error:
            raise SandboxLost("the supervisor did not say how the run ended after it was stopped") from error
        finally:
            stopped.cancel()
            exited.cancel()

    async def _collect(
        self, context: _Context, exit_: JobExit, gate: GateReport, tail: Tail, train_s: float
    ) -> TrialOutcome:
        spec, live, train = context.spec, context.live, self._config.train
        seen = await asyncio.to_thread(live.meter.stop)
        ending, reason = name_ending(
            code=exit_.code,
            signal=exit_.signal,
            start_error=exit_.start_error,
            timed_out=exit_.timed_out,
            stopped=exit_.stopped,
            oom_kills=seen.oom_kills,
            tail=tail,
            memory_bytes=train.memory,
            timeout_s=train.timeout,
        )
        scan = await live.sandbox.scan_tree(self._site.workspace, [e.path for e in spec.tree.entries])
        gate = replace(gate, drift=drifted(spec.tree, scan.entries))
        if gate.drift:
            ending, reason = Ending.NOT_AS_SEALED, f"{gate.drift[0]} changed while it ran"
        directory = self._state.trial(spec.study_id, spec.number)
        files = await self._take_out(live.sandbox, self._config, self._site, directory)
        added = await self._added(context)
        usage = Usage(
            train_s=train_s,
            peak_memory_bytes=seen.peak_memory_bytes,
            kernel_peak_bytes=seen.kernel_peak_bytes,
            max_rss_bytes=exit_.max_rss_bytes,
            peak_gpu_bytes=seen.peak_gpu_bytes,
            cpu_s=seen.cpu_s,
        )
        quantities: list[Objective | Constraint] = [*self._config.objectives, *self._config.constraints]
        return replace(
            self._outcome(context, ending, reason, gate, usage),
            exit_code=exit_.code if exit_.signal is None else -exit_.signal,
            measurements=await asyncio.to_thread(measure_run, quantities, context.log, files.contents(), usage),
            added_importable=added,
            outputs=files.kept,
        )

    async def _added(self, context: _Context) -> tuple[str, ...]:
        """List importable files that the run left. A workspace that cannot be listed never costs the run its score."""
        try:
            scan = await context.live.sandbox.scan_tree(
                self._site.workspace,
                suffixes=IMPORTABLE,
                max_entries=IMPORTABLE_LISTED,
                max_hash_bytes=1,
                allow_partial=True,
            )
        except LinkError as error:
            log.warning("scan.failed", number=context.spec.number, reason=str(error))
            return ()
        if scan.is_partial:
            log.warning("scan.partial", number=context.spec.number, listed=len(scan.entries))
        return added_importable(context.spec.tree, self._site.seeded, scan.entries)

    def _outcome(
        self,
        context: _Context,
        ending: Ending,
        reason: str,
        gate: GateReport,
        usage: Usage = Usage(),  # noqa: B008 - frozen
    ) -> TrialOutcome:
        return TrialOutcome(
            ending=ending,
            exit_code=None,
            measurements=(),
            gate=gate,
            usage=replace(usage, wall_s=time.monotonic() - context.began),
            posture=context.live.posture,
            reason=reason,
            log_path=str(context.log.relative_to(self._state.root)),
        )


async def _read(job: Job, tail: Tail, line: Line) -> None:
    async for text in job.lines():
        shown = screen_line(text)
        tail.add(shown)
        line(shown)
