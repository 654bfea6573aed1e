"""Puts a night together: state directory, engine, toolbox, site, actions, policy; then runs it to its end.

The only module that knows all of them. What a study needs once is made at its first sitting and read from the store at
every later one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from pydantic import TypeAdapter

from nightlab.controller.actions.entry import entry_points
from nightlab.controller.actions.host import ActionHost
from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.errors import ConfigError, NightlabError, StudyStopped
from nightlab.controller.images.toolbox import ensure_toolbox
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.report.progress import Progress
from nightlab.controller.report.view import StudyState, StudyView
from nightlab.controller.search.tpe import TpePolicy
from nightlab.controller.store import AttemptRecord, Lock, Store, StudyRecord, open_writer
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.agenda import Agenda
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.night import Night, Stop
from nightlab.controller.study.places import below
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.study.proposer import Proposer
from nightlab.controller.study.reconcile import reconcile, sweep_study
from nightlab.controller.study.runner import Runner
from nightlab.controller.study.scribe import Scribe, unix_ms
from nightlab.controller.study.shares import shares_for
from nightlab.controller.study.view import ViewBuilder
from nightlab.controller.trial.spawn import Spawner
from nightlab.controller.trial.walk import TrialWalk
from nightlab.controller.trial.workload import command
from nightlab.controller.version import VERSION

log: Final = structlog.get_logger()
SITE: Final = TypeAdapter(Site)
ENDED: Final = (StudyState.FINISHED, StudyState.STOPPED)
FINDINGS: Final = TypeAdapter(tuple[Finding, ...])


@dataclass(frozen=True, slots=True)
class Sitting:
    """A study that is ready to run.

    Attributes:
        config: What was asked; a resumed study's own.
        night: The loop.
        judge: Closes what is open at the end.
        scribe: The study's rows.
        views: Pictures of the study.
        offered: What the policy chooses from.
        site: What the image turned out to be.
        shares: What trials run on.
        adopted: Attempts of an earlier sitting that still run.
    """

    config: Config
    night: Night
    judge: Judge
    scribe: Scribe
    views: ViewBuilder
    offered: tuple[OfferedAction, ...]
    site: Site
    shares: tuple[Share, ...]
    adopted: tuple[AttemptRecord, ...]


async def run_study(repo: Path, config: Config, *, resume: str | None, progress: Progress, stop: Stop) -> StudyView:
    """Run a study, or go on with one, until its budget is spent, nothing is left or somebody stops it.

    Args:
        repo: The user's repo.
        config: What to do; a resumed study keeps the config it began with.
        resume: Id of the study to go on with; empty: the newest one that has not ended; None: a new study.
        progress: Who is told.
        stop: How it is asked to stop.

    Raises:
        ConfigError, RepoError, EngineError, StoreError: Nothing was run.
    """
    try:
        async with sitting(repo, config, resume=resume, progress=progress, stop=stop) as made:
            progress.study_started(made.views.study(made.scribe.study_id, with_details=False))
            state, reason = await _run(made, stop)
            if state is not StudyState.INTERRUPTED:
                made.judge.close_open("the night ended first")
            made.scribe.spend()
            ended = unix_ms() if state is not StudyState.INTERRUPTED else None
            made.scribe.store.update_study(made.scribe.study_id, state=state, stop_reason=reason, ended_unix_ms=ended)
            view = made.views.study(made.scribe.study_id)
            progress.study_ended(view)
            return view
    finally:
        progress.close()


async def _run(made: Sitting, stop: Stop) -> tuple[StudyState, str]:
    try:
        await made.night.run(made.adopted)
    except StudyStopped as error:
        return StudyState.STOPPED, str(error)
    if stop.draining:
        return StudyState.INTERRUPTED, "stopped by a person; `nightlab run --resume` goes on"
    return StudyState.FINISHED, ""


@asynccontextmanager
async def sitting(
    repo: Path, config: Config, *, resume: str | None, progress: Progress, stop: Stop
) -> AsyncIterator[Sitting]:
    """Open everything that a study needs and close it again."""
    state = StateDir.of_repo(repo)
    state.create()
    async with AsyncExitStack() as stack:
        lock = Lock(state.root)
        stack.callback(lock.release)
        store = Store(open_writer(state.root))
        stack.callback(store.close)
        engine = await Engine.open(state.root, allow_degraded=config.security.allow_degraded)
        stack.push_async_callback(engine.close)
        blobs = BlobStore(state.blobs)
        record, base = _begin(store, state, blobs, config, resume, engine)
        stack.push_async_callback(_leave_nothing, store, engine, record.id)
        config = Config.model_validate(record.config)
        scribe = Scribe(store, record.id, state, progress)
        adopted = await reconcile(scribe, engine)
        toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=progress.note)
        spawner = Spawner(config, engine, toolbox, blobs, state, record.id)
        site, findings = await _site(record, config, engine, scribe, spawner, base)
        history = History(state.history, blobs)
        argv = command(site, config.train, seed=config.noise.seed, run_seed=None)
        starts = entry_points(argv, base.by_path.keys(), workdir=below(site.workdir, site.workspace))
        actions = ActionHost(config, state_dir=state.root)
        await actions.open()
        stack.push_async_callback(actions.close)
        editor = Editor(actions, blobs, history, starts)
        offered = await actions.check(editor.files(base), starts, base.digest)
        store.update_study(record.id, defaults={f"{o.plugin}/{o.action}": o.defaults for o in offered})
        shares = await shares_for(config, engine, stack)
        store.update_study(record.id, slots=len(shares), state=StudyState.RUNNING)
        judge = Judge(config, scribe)
        policy = TpePolicy(config.objectives, config.constraints, config.search.seed)
        proposer = Proposer(config, scribe, editor, policy, offered, base)
        walk = TrialWalk(config, site, spawner, state, findings)
        views = ViewBuilder(store, state, history)
        scribe.on_judged = _teller(views, record.id, progress)
        scribe.spend(preparing=True)
        yield Sitting(
            config=config,
            night=Night(
                scribe=scribe,
                agenda=Agenda(config, scribe, editor, proposer, base),
                judge=judge,
                runner=Runner(config, site, scribe, walk),
                shares=shares,
                stop=stop,
            ),
            judge=judge,
            scribe=scribe,
            views=views,
            offered=offered,
            site=site,
            shares=shares,
            adopted=adopted,
        )


def _teller(views: ViewBuilder, study_id: str, progress: Progress) -> Callable[[int], None]:
    def tell(number: int) -> None:
        view = views.study(study_id, with_details=False)
        trial = view.trial(number)
        assert trial is not None
        progress.update(view)
        progress.trial_ended(trial)

    return tell


def _begin(
    store: Store, state: StateDir, blobs: BlobStore, config: Config, resume: str | None, engine: Engine
) -> tuple[StudyRecord, Tree]:
    """Return the study to go on with, or write a new one, and its base tree."""
    if resume is not None:
        record = _unfinished(store, resume)
        return record, store.tree(record.base_digest or "")
    base = snapshot(state.repo, blobs)
    record = StudyRecord(
        id=new_study_id(),
        name=config.name,
        repo=str(state.repo),
        state=StudyState.PREPARING,
        config=config.canonical(),
        nightlab_version=VERSION,
        created_unix_ms=unix_ms(),
        base_digest=base.tree.digest,
        head=base.head,
        branch=base.branch,
        dirty=base.dirty,
        is_git=base.is_git,
        nested=base.nested,
        engine={"name": engine.facts.name, "version": engine.facts.version},
    )
    store.add_tree(base.tree)
    store.add_study(record)
    return record, base.tree


def _unfinished(store: Store, study_id: str) -> StudyRecord:
    wanted = [store.study(study_id)] if study_id else store.studies()
    records = [record for record in wanted if record.state not in ENDED]
    if not records:
        which = f"study {study_id} has ended" if study_id else "no study here is unfinished"
        raise ConfigError(which, hint="`nightlab run` without --resume starts a new one")
    return records[-1]


async def _leave_nothing(store: Store, engine: Engine, study_id: str) -> None:
    """Remove what is only kept for a study that goes on."""
    if store.study(study_id).state in ENDED:
        for problem in await sweep_study(study_id, engine):
            log.warning("leftover.kept", what=problem)


async def _site(
    record: StudyRecord, config: Config, engine: Engine, scribe: Scribe, spawner: Spawner, base: Tree
) -> tuple[Site, tuple[Finding, ...]]:
    """Return the site from the store, or make it and store it."""
    if record.site is not None:
        spawner.site = SITE.validate_python(record.site)
        await _check_volumes(record.id, spawner.site, engine)
        return spawner.site, FINDINGS.validate_python(record.base_findings or ())
    maker = SiteMaker(config, engine, scribe.state, record.id, spawner, scribe.progress.note)
    try:
        site, findings = await maker.make(base)
    except NightlabError as error:
        scribe.store.update_study(record.id, state=StudyState.STOPPED, stop_reason=str(error), ended_unix_ms=unix_ms())
        raise
    scribe.store.update_study(
        record.id, site=SITE.dump_python(site, mode="json"), base_findings=[asdict(f) for f in findings]
    )
    for note in site.notes:
        scribe.note("site", note)
    return site, findings


async def _check_volumes(study_id: str, site: Site, engine: Engine) -> None:
    """Refuse to go on without what trials read: the engine would make a missing volume, empty."""
    there = (await engine.leftovers(study_id)).volumes
    gone = [name for name in (site.seed_volume, site.data_volume) if name and name not in there]
    if gone:
        raise StudyStopped(
            f"study {study_id} cannot go on: its volume {gone[0]} was removed, with data that every trial read",
            hint="start a new study with `nightlab run`",
        )


def new_study_id() -> str:
    """Return an id that sorts by day and is unique in practice: "261123-4f09"."""
    return f"{datetime.now().astimezone():%y%m%d}-{secrets.token_hex(2)}"
