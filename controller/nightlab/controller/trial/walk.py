"""One attempt at a trial: spawn, seal, gate, launch, collect.

Takes a spec, tells its phases and output on the way, returns an outcome. Where it runs is the spawner's matter, what
the outcome means is the study's. An error of the machine leaves as EngineError or LinkError; whatever the trial's own
code does is an outcome.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nightlab.controller.config.schema import Config, Constraint, Objective
from nightlab.controller.config.units import show_bytes
from nightlab.controller.errors import SandboxLost
from nightlab.controller.gate.blocking import certain
from nightlab.controller.link.job import Job
from nightlab.controller.link.sandbox import Sandbox
from nightlab.controller.link.values import JobExit
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import Tree, diff_trees
from nightlab.controller.model.trial import Ending, Finding, GateReport, Phase, TrialOutcome, TrialSpec, Usage
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.scoring.measure import measure_run
from nightlab.controller.scoring.scan import screen_line
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.trial.collect import Collected, collect
from nightlab.controller.trial.draft import Author, Proposal
from nightlab.controller.trial.drift import Explains
from nightlab.controller.trial.ending import Tail, name_ending
from nightlab.controller.trial.gating import Gate, Passed
from nightlab.controller.trial.judging import Judge
from nightlab.controller.trial.launched import Launched, read_launched
from nightlab.controller.trial.seal import AfterRun, Sealer
from nightlab.controller.trial.spawn import Live, Spawner, SpawnRequest

TRAIN_JOB: Final = "train"
STOP_GRACE_S: Final = 5.0
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
        *,
        blobs: BlobStore | None = None,
        explainer: Explains | None = None,
        base: Tree | None = None,
        entry_points: Sequence[str] = (),
        requires_python: str = "",
    ) -> None:
        """Walk trials of one site.

        Args:
            config: The study's.
            site: Where they run.
            spawner: Makes their containers.
            state: Where output and files go.
            base_findings: What the lint finds in the base tree.
            take_out: Takes declared files out after a run.
            blobs: Contents of trees; without it a content that was damaged on the host fails the attempt.
            explainer: Says what a drift is; without it a drift is only named.
            base: The base tree; with it, and blobs and an explainer, what an edit brings is weighed.
            entry_points: Files that the training command starts: ruff must have read those that are Python.
            requires_python: The repo's own word on its Python, for where the site knows no interpreter.
        """
        self._config = config
        self._site = site
        self._spawner = spawner
        self._state = state
        self._base_findings = base_findings
        self._take_out = take_out
        self._sealer = Sealer(site, blobs, explainer, state.root / "passing", base)
        judge = Judge(base, base_findings, blobs, explainer, config.lint.allow)
        self._gate = Gate(config, site, self._sealer, judge, entry_points, requires_python=requires_python)

    async def run(
        self,
        spec: TrialSpec,
        share: Share,
        *,
        stop: asyncio.Event,
        emit: Emit,
        line: Line,
        author: Author | None = None,
    ) -> TrialOutcome:
        """Walk from the spawn to the outcome and leave nothing behind.

        Args:
            spec: What to run.
            share: The part of the machine.
            stop: Ends it early.
            emit: Hears of phases.
            line: Hears what the run prints.
            author: Edits a draft of the spec's tree first; what is sealed is what was recorded of it.

        Raises:
            EngineError: The engine failed; PostureError if the container was not as the policy asks.
            LinkError: The sandbox was lost.
            StoreError: A content of the tree is damaged on the host and cannot be had again.
        """
        began = time.monotonic()
        emit(Phase.SPAWNING, "")
        if author is None:
            return await self._attempt(spec, share, stop, emit, line, began)
        proposal = await self._draft(spec, share, stop, author)
        changed = tuple(c.path for c in diff_trees(spec.tree, proposal.tree) if c.path.endswith(".py"))
        own = replace(spec, tree=proposal.tree, changed_paths=tuple(sorted({*spec.changed_paths, *changed})))
        outcome = await self._attempt(own, share, stop, emit, line, began)
        gate = replace(
            outcome.gate,
            drifts=(*proposal.drifts, *outcome.gate.drifts),
            notes=(*proposal.notes, *outcome.gate.notes),
        )
        return replace(outcome, gate=gate, tree=proposal.tree, edits=proposal.edits)

    async def _draft(self, spec: TrialSpec, share: Share, stop: asyncio.Event, author: Author) -> Proposal:
        """Let the author work until done, or until the attempt is to stop; then take what was recorded."""
        request = replace(self._request(spec, share), name=f"{spec.container_name}-draft", role="draft")
        async with self._spawner.spawn(request) as live:
            draft = self._sealer.draft(live, spec, self._config.train, author)
            await draft.begin()
            working = asyncio.ensure_future(author.work(draft))
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    working.result()
                return await draft.finish()
            finally:
                working.cancel()
                stopping.cancel()

    async def _attempt(
        self, spec: TrialSpec, share: Share, stop: asyncio.Event, emit: Emit, line: Line, began: float
    ) -> TrialOutcome:
        async with self._spawner.spawn(self._request(spec, share)) as live:
            context = self._context(spec, live, stop, emit, line, began)
            if stop.is_set():
                return self._outcome(context, Ending.STOPPED, "stopped before it was sealed", GateReport())
            emit(Phase.SEALING, "")
            transferred = await self._sealer.seal(live, spec.tree)
            emit(Phase.GATING, "")
            passed = await self._gate.look(live, spec.tree, transferred)
            gate = passed.report
            if not passed.is_open:
                return self._not_launched(context, passed)
            Launched(gate, passed.stamp, spec.tree.digest).write(self._launch_path(spec))
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
            return await self._follow(context, job, gate, launched, passed.stamp)

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
            known = read_launched(self._launch_path(spec), spec.tree.digest)
            inside = await self._sealer.digest_inside(live, spec.tree)
            gate = (
                known.gate
                if known
                else GateReport(digest_outside=spec.tree.digest, inherited=certain(self._base_findings))
            )
            job = live.sandbox.attach_job(TRAIN_JOB, context.log)
            launched = time.monotonic() - spent_s
            stamp = known.stamp if known else ""
            return await self._follow(context, job, replace(gate, digest_inside=inside), launched, stamp)

    def _context(
        self, spec: TrialSpec, live: Live, stop: asyncio.Event, emit: Emit, line: Line, began: float
    ) -> _Context:
        log = self._state.log(spec.study_id, spec.number, spec.attempt)
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Context(spec, live, log, stop, emit, line, began)

    def _launch_path(self, spec: TrialSpec) -> Path:
        return self._state.trial(spec.study_id, spec.number) / f"launched-{spec.attempt}.json"

    def _request(self, spec: TrialSpec, share: Share) -> SpawnRequest:
        return SpawnRequest(
            name=spec.container_name, role="trial", trial=str(spec.number), attempt=str(spec.attempt), share=share
        )

    # Gate

    def _not_launched(self, context: _Context, passed: Passed) -> TrialOutcome:
        """Name why. A tree that is not the sealed one comes first: what ruff says of it is not its author's."""
        gate = passed.report
        if gate.drift:
            what = ", ".join(gate.drift[:3])
            told = gate.drifts[-1].explanation.headline if gate.drifts else ""
            reason = f"not launched: {what} differs from what was sealed and could not be put back ({told})"
            return self._outcome(context, Ending.NOT_AS_SEALED, reason, gate)
        if passed.reason:
            return self._outcome(context, Ending.GATE_REJECTED, passed.reason, gate)
        first = gate.blocking[0]
        reason = f"ruff: {first.path}:{first.line}: {first.code} {first.message}"
        return self._outcome(context, Ending.GATE_REJECTED, reason, gate)

    # Run

    async def _follow(
        self, context: _Context, job: Job, gate: GateReport, launched: float, stamp: str = ""
    ) -> TrialOutcome:
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
        return await self._collect(context, exit_, gate, tail, train_s, stamp)

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
        self, context: _Context, exit_: JobExit, gate: GateReport, tail: Tail, train_s: float, stamp: str
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
        after = await self._sealer.after(live, spec, stamp)
        gate = _with_after(gate, after)
        if why := _void(after):
            ending, reason = Ending.NOT_AS_SEALED, why
        directory = self._state.trial(spec.study_id, spec.number)
        files = await self._take_out(live.sandbox, self._config, self._site, directory)
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
            added_importable=after.added_importable,
            outputs=files.kept,
        )

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


def _with_after(gate: GateReport, after: AfterRun) -> GateReport:
    return replace(
        gate,
        drift=after.drift,
        drifts=(*gate.drifts, *after.drifts),
        shadowing=tuple(shadow.path for shadow in after.shadows),
        notes=(*gate.notes, *after.notes),
    )


def _void(after: AfterRun) -> str:
    """Say why it cannot be shown that what ran was what was sealed; empty if it can."""
    if after.drift:
        told = after.drifts[0].explanation.headline if after.drifts else ""
        return f"{after.drift[0]} changed while it ran ({told})"
    return f"while it ran {after.shadows[0]}" if after.shadows else ""


async def _read(job: Job, tail: Tail, line: Line) -> None:
    async for text in job.lines():
        shown = screen_line(text)
        tail.add(shown)
        line(shown)
