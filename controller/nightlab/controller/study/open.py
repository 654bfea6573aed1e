"""Puts a night together and runs it to its end: lock, store, engine, toolbox, site, actions, policy, loop.

The only module that knows all of them, and it decides nothing: each part is made here and used elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from nightlab.controller.actions.host import ActionHost
from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.schema import Config
from nightlab.controller.engine import Engine
from nightlab.controller.errors import StudyStopped
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.images.toolbox import ensure_toolbox
from nightlab.controller.model.site import Site
from nightlab.controller.model.tree import Tree
from nightlab.controller.plugins.opening import opened_plugins
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.report.progress import Progress
from nightlab.controller.report.view import StudyState, StudyView
from nightlab.controller.search.tpe import TpePolicy
from nightlab.controller.store import AttemptRecord, Lock, Store, StudyRecord, open_writer
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.agenda import Agenda
from nightlab.controller.study.begin import ENDED, begin, site_of, unfinished
from nightlab.controller.study.drifts import Drifts
from nightlab.controller.study.edits import Editor, started_files
from nightlab.controller.study.examiner import SmokeExaminer, whole_runs
from nightlab.controller.study.fixing import Fixer
from nightlab.controller.study.interpreter import requires_python
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.night import Night, Stop
from nightlab.controller.study.plugins import PluginBook, PluginStates
from nightlab.controller.study.proposer import Proposer
from nightlab.controller.study.prover import Examiner, Prover
from nightlab.controller.study.reconcile import reconcile, sweep_study
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.runner import Runner
from nightlab.controller.study.scribe import Scribe, unix_ms
from nightlab.controller.study.shares import shares_for
from nightlab.controller.study.smoking import SmokeStage
from nightlab.controller.study.twins import Twins
from nightlab.controller.study.view import ViewBuilder
from nightlab.controller.trial.smoke import SmokeRunner
from nightlab.controller.trial.spawn import Spawner
from nightlab.controller.trial.walk import TrialWalk

log: Final = structlog.get_logger()
NOTHING_TO_SEARCH: Final = (
    "nothing to search: no tunable literal was found in the files that the training command starts, so only baselines "
    "run; give one a range under [search.tunable]"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a sitting stands on, opened and locked.

    Attributes:
        record: The study's row as it was opened.
        config: The study's own; a resumed one keeps that which it began with.
        base: The base tree.
        state: The state directory.
        store: Its database.
        blobs: Its file contents.
        engine: The container engine.
        scribe: Writes the study's rows.
    """

    record: StudyRecord
    config: Config
    base: Tree
    state: StateDir
    store: Store
    blobs: BlobStore
    engine: Engine
    scribe: Scribe


@dataclass(frozen=True, slots=True)
class Sitting:
    """A study that is ready to run.

    Attributes:
        night: The loop.
        judge: Closes what is open at the end.
        redress: Closes what is still to be proven at the end.
        scribe: The study's rows.
        views: Pictures of the study.
        offered: What the policy chooses from.
        adopted: Attempts of an earlier sitting that still run.
    """

    night: Night
    judge: Judge
    redress: Redress
    scribe: Scribe
    views: ViewBuilder
    offered: tuple[OfferedAction, ...]
    adopted: tuple[AttemptRecord, ...]


@dataclass(frozen=True, slots=True)
class _Gate:
    """What stands between edits and launches, and the site that it is for."""

    explainer: Explainer
    smoker: SmokeRunner
    whole: SmokeRunner
    site: Site

    def examiner(self, config: Config, editor: Editor) -> Examiner | None:
        """Return who compares trees by running them; nobody where the user wants no smoke runs."""
        if not config.smoke.enabled:
            return None
        return SmokeExaminer(config, self.smoker, self.whole, self.explainer, editor, self.site)


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
                made.redress.close("the night ended first")
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
    """Open everything that a study needs and close it again; arguments and errors as of `run_study`."""
    async with AsyncExitStack() as stack:
        ground = await _ground(stack, repo, config, resume, progress)
        adopted = await reconcile(ground.scribe, ground.engine)
        toolbox = await asyncio.to_thread(ensure_toolbox, ground.engine.client, progress=progress.note)
        spawner = Spawner(ground.config, ground.engine, toolbox, ground.blobs, ground.state, ground.record.id)
        site, findings = await site_of(ground.record, ground.config, ground.engine, ground.scribe, spawner, ground.base)
        states = PluginStates(ground.store, ground.record.id)
        actions = await stack.enter_async_context(
            opened_plugins(
                *(ground.config, ground.engine, toolbox, ground.state, ground.record.id),
                blobs=ground.blobs,
                states=states,
            )
        )
        editor, offered = await _offers(ground, site, actions)
        explainer = await stack.enter_async_context(Explainer())
        walk = TrialWalk(
            *(ground.config, site, spawner, ground.state, findings),
            blobs=ground.blobs,
            explainer=explainer,
            base=ground.base,
            entry_points=started_files(ground.config, site, ground.base, ground.blobs),
            requires_python=requires_python(ground.base, ground.blobs),
        )
        smoker = SmokeRunner(ground.config, site, spawner, ground.state)
        runner = SmokeStage(ground.config, ground.scribe, Runner(ground.config, site, ground.scribe, walk), smoker)
        whole = SmokeRunner(whole_runs(ground.config), site, spawner, ground.state)
        gate = _Gate(explainer, smoker, whole, site)
        book = PluginBook(ground.config, ground.scribe, actions, states)
        yield await _sitting(stack, ground, actions, book, editor, offered, runner, gate, stop, adopted)


async def _ground(stack: AsyncExitStack, repo: Path, config: Config, resume: str | None, progress: Progress) -> Ground:
    state = StateDir.of_repo(repo)
    state.create()
    lock = Lock(state.root)
    stack.callback(lock.release)
    store = Store(open_writer(state.root))
    stack.callback(store.close)
    engine = await Engine.open(state.root, allow_degraded=config.security.allow_degraded)
    stack.push_async_callback(engine.close)
    blobs = BlobStore(state.blobs)
    record = begin(store, state, blobs, config, engine) if resume is None else unfinished(store, resume)
    stack.push_async_callback(_leave_nothing, store, engine, record.id)
    own = Config.model_validate(record.config)
    base = store.tree(record.base_digest or "")
    return Ground(record, own, base, state, store, blobs, engine, Scribe(store, record.id, state, progress))


async def _offers(ground: Ground, site: Site, actions: ActionHost) -> tuple[Editor, tuple[OfferedAction, ...]]:
    starts = started_files(ground.config, site, ground.base, ground.blobs)
    editor = Editor(actions, ground.blobs, History(ground.state.history, ground.blobs), starts)
    offered = await actions.check(editor.files(ground.base), starts, ground.base.digest)
    defaults = {f"{each.plugin}/{each.action}": each.defaults if each.default_is_base else {} for each in offered}
    ground.store.update_study(ground.record.id, defaults=defaults)
    return editor, offered


async def _sitting(
    stack: AsyncExitStack,
    ground: Ground,
    actions: ActionHost,
    book: PluginBook,
    editor: Editor,
    offered: tuple[OfferedAction, ...],
    runner: SmokeStage,
    gate: _Gate,
    stop: Stop,
    adopted: tuple[AttemptRecord, ...],
) -> Sitting:
    config, scribe, base = ground.config, ground.scribe, ground.base
    shares = await shares_for(config, ground.engine, stack, adopted)
    ground.store.update_study(ground.record.id, slots=len(shares), state=StudyState.RUNNING)
    views = ViewBuilder(ground.store, ground.state, History(ground.state.history, ground.blobs))
    scribe.on_judged = _teller(views, ground.record.id, scribe.progress)
    judge = Judge(config, scribe)
    if config.budget.trials and not any(action.sampleable for action in offered):
        scribe.progress.note(NOTHING_TO_SEARCH)
    policy = TpePolicy(config.objectives, config.constraints, config.search.seed)
    fixer = Fixer(config, scribe, editor, gate.explainer, gate.site.python)
    redress = Redress(config, scribe, judge, Prover(scribe, gate.examiner(config, editor)), fixer, editor, base)
    twins = Twins(gate.explainer, editor, base)
    proposer = Proposer(
        *(config, scribe, editor, policy, offered, base, twins, fixer, redress),
        is_available=lambda plugin: plugin in actions.available(),
    )
    agenda = Agenda(config, scribe, editor, proposer, redress, base)
    night = Night(
        scribe=scribe,
        agenda=agenda,
        judge=judge,
        runner=runner,
        redress=redress,
        drifts=Drifts(scribe, editor, redress),
        shares=shares,
        stop=stop,
        plugins=book,
    )
    scribe.spend(preparing=True)
    return Sitting(night, judge, redress, scribe, views, offered, adopted)


def _teller(views: ViewBuilder, study_id: str, progress: Progress) -> Callable[[int], None]:
    def tell(number: int) -> None:
        view = views.study(study_id, with_details=False)
        trial = view.trial(number)
        assert trial is not None
        progress.update(view)
        progress.trial_ended(trial)

    return tell


async def _leave_nothing(store: Store, engine: Engine, study_id: str) -> None:
    """Remove what is only kept for a study that goes on."""
    if store.study(study_id).state in ENDED:
        for problem in await sweep_study(study_id, engine):
            log.warning("leftover.kept", what=problem)
