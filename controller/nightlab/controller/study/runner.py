"""Runs one attempt of a stored trial through the walk and turns every failure of the machine into an outcome."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from nightlab.controller.config.schema import Config
from nightlab.controller.errors import EngineError, LinkError, PostureError, StudyStopped
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import diff_trees
from nightlab.controller.model.trial import Ending, GateReport, Phase, TrialOutcome, TrialSpec, Usage
from nightlab.controller.store import AttemptRecord, TrialRecord
from nightlab.controller.study.scribe import Scribe, unix_ms
from nightlab.controller.trial.walk import TrialWalk
from nightlab.controller.trial.workload import command, environment

log: Final = structlog.get_logger()


class Runner:
    """Runs attempts of one study."""

    def __init__(self, config: Config, site: Site, scribe: Scribe, walk: TrialWalk) -> None:
        self._config = config
        self._site = site
        self._scribe = scribe
        self._walk = walk
        self._stops: dict[str, asyncio.Event] = {}

    async def run(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Run an attempt from its spawn.

        Raises:
            StudyStopped: The engine does not give the isolation that the policy asks for.
        """
        return await self._guard(trial, attempt, share, None)

    async def resume(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Go on with an attempt whose container an earlier sitting left running."""
        launched = attempt.launched_unix_ms or attempt.started_unix_ms
        return await self._guard(trial, attempt, share, max(0.0, (unix_ms() - launched) / 1000))

    def stop(self, container: str) -> None:
        """Ask an attempt to end now; its outcome says STOPPED."""
        self._stops.setdefault(container, asyncio.Event()).set()

    async def _guard(
        self, trial: TrialRecord, attempt: AttemptRecord, share: Share, spent_s: float | None
    ) -> TrialOutcome:
        stop = self._stops.setdefault(attempt.container, asyncio.Event())
        spec = self._spec(trial, attempt)

        def emit(phase: Phase, text: str) -> None:
            self._scribe.phase(attempt, phase, text)

        def line(text: str) -> None:
            self._scribe.progress.line(trial.number, text)

        try:
            if spent_s is None:
                return await self._walk.run(spec, share, stop=stop, emit=emit, line=line)
            return await self._walk.resume(spec, share, stop=stop, emit=emit, line=line, spent_s=spent_s)
        except PostureError as error:
            raise StudyStopped(f"trial {trial.number} was not started: {error}", hint=error.hint) from error
        except (EngineError, LinkError) as error:
            log.warning("attempt.lost", number=trial.number, attempt=attempt.attempt, reason=str(error))
            return lost(str(error), attempt.log_path)
        finally:
            self._stops.pop(attempt.container, None)

    def _spec(self, trial: TrialRecord, attempt: AttemptRecord) -> TrialSpec:
        study = self._scribe.study()
        seed = self._config.noise.seed
        tree = self._scribe.store.tree(trial.run_digest or "")
        base = self._scribe.store.tree(study.base_digest or "")
        changed = tuple(c.path for c in diff_trees(base, tree) if c.path.endswith(".py"))
        return TrialSpec(
            study_id=study.id,
            number=trial.number,
            attempt=attempt.attempt,
            role=trial.role,
            tree=tree,
            run_seed=trial.run_seed,
            argv=command(self._site, self._config.train, seed=seed, run_seed=trial.run_seed),
            env=environment(self._site, self._config.train, seed=seed, run_seed=trial.run_seed),
            cwd=self._site.workdir,
            changed_paths=changed,
        )


def lost(reason: str, log_path: str = "") -> TrialOutcome:
    """Return the outcome of an attempt that the machine lost."""
    return TrialOutcome(Ending.LOST, None, (), GateReport(), Usage(), {}, reason=reason, log_path=log_path)
