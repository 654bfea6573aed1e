"""A night without containers: the real store, worker, policy, agenda, judge and loop; only the training is computed.

The runner reads the literals of the tree that it is given and returns a score, so every decision of a night can be
tested in a second. What a container does is tested with real ones elsewhere.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from nightlab.controller.actions.host import ActionHost
from nightlab.controller.actions.own import own_workers
from nightlab.controller.actions.process import ProcessRuntime
from nightlab.controller.actions.registry import BUILT_IN, wanted
from nightlab.controller.actions.worker import PluginWorker
from nightlab.controller.config.schema import Config
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.model.score import Measurement, Trust
from nightlab.controller.model.site import Share
from nightlab.controller.model.trial import Ending, GateReport, TrialOutcome, Usage
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.repo.snapshot import snapshot
from nightlab.controller.report.silent import Silent
from nightlab.controller.search.policy import Policy
from nightlab.controller.search.tpe import TpePolicy
from nightlab.controller.store import AttemptRecord, Store, StudyRecord, TrialRecord, open_writer
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.agenda import Agenda
from nightlab.controller.study.drifts import Drifts
from nightlab.controller.study.edits import Editor
from nightlab.controller.study.fixing import Fixer, Maker
from nightlab.controller.study.judge import Judge
from nightlab.controller.study.night import Night, Stop
from nightlab.controller.study.plugins import PluginBook, PluginStates
from nightlab.controller.study.proposer import Proposer
from nightlab.controller.study.prover import Examiner, Prover
from nightlab.controller.study.redress import Redress
from nightlab.controller.study.scribe import Scribe
from nightlab.controller.study.smoking import Smoker, SmokeStage
from nightlab.controller.study.twins import Twins
from nightlab.controller.study.view import ViewBuilder

SCRIPT = '''"""A script with two literals that matter and one that does not."""
import argparse

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.1
DROPOUT = 0.1
STEPS = 100


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.parse_args()


main()
'''
PLUGINS = str(Path(__file__).parents[2] / "data" / "plugins")
Literals = Mapping[str, float]
Score = Callable[[Literals, int | None, int], TrialOutcome]


def config(**tables: object) -> Config:
    """Return a small config; tables are merged into the defaults."""
    values: dict[str, object] = {
        "train": {"command": "python train.py"},
        "objectives": [{"name": "loss", "measure": {"source": "regex", "pattern": "loss: (.*)"}}],
        "noise": {"seed": {"kind": "argument", "name": "--seed", "base": 1}, "repeats": 3, "confirm": 2},
        "budget": {"trials": 6},
    }
    return Config.model_validate({**values, **tables})


def finished(loss: float | None, memory: float = 1e8) -> TrialOutcome:
    """Return the outcome of a run that printed a loss; None: it printed none."""
    measured = Measurement("loss", loss, Trust.REPORTED, "the output")
    usage = Usage(wall_s=1.0, train_s=0.9, peak_memory_bytes=int(memory))
    return TrialOutcome(Ending.FINISHED, 0, (measured,), GateReport(), usage, {"level": "standard"})


def failed(ending: Ending = Ending.FAILED, reason: str = "exit code 1: ValueError: no") -> TrialOutcome:
    """Return the outcome of a run without a score."""
    return TrialOutcome(ending, 1, (), GateReport(), Usage(wall_s=1.0, train_s=0.5), {}, reason=reason)


def bowl(noise: float = 0.0, spread_seed: int = 0) -> Score:
    """Return a score that is best at a learning rate of 3e-3; seeds move it by `noise` standard deviations of 1."""
    import math

    def score(literals: Literals, seed: int | None, number: int) -> TrialOutcome:
        draw = random.Random(f"{spread_seed}/{seed}/{sorted(literals.items())}").gauss(0, noise)
        distance = math.log10(literals["LEARNING_RATE"] / 3e-3)
        return finished(1.0 + distance**2 + draw)

    return score


@dataclass
class ComputedRunner:
    """Runs attempts by computing their outcome."""

    blobs: BlobStore
    store: Store
    score: Score
    ran: list[int] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    at_once: set[int] = field(default_factory=set)
    most_at_once: int = 0
    company: dict[int, set[int]] = field(default_factory=dict)

    async def run(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Compute an outcome; other tasks run meanwhile."""
        self.at_once.add(trial.number)
        self.most_at_once = max(self.most_at_once, len(self.at_once))
        for number in self.at_once:
            self.company.setdefault(number, set()).update(self.at_once - {number})
        await asyncio.sleep(0)
        self.at_once.remove(trial.number)
        self.ran.append(trial.number)
        if attempt.container in self.stopped:
            return failed(Ending.STOPPED, "stopped")
        tree = self.store.tree(trial.run_digest or "")
        text = self.blobs.read(tree.by_path["train.py"].sha256, 1 << 20).decode()
        found = dict(re.findall(r"^([A-Z_]+) = (\S+)$", text, re.MULTILINE))
        return self.score({name: float(value) for name, value in found.items()}, trial.run_seed, trial.number)

    async def resume(self, trial: TrialRecord, attempt: AttemptRecord, share: Share) -> TrialOutcome:
        """Go on with what ran."""
        return await self.run(trial, attempt, share)

    def stop(self, container: str) -> None:
        """End a run."""
        self.stopped.append(container)


@dataclass
class Rehearsal:
    """One study over SCRIPT in a directory."""

    scribe: Scribe
    night: Night
    judge: Judge
    runner: ComputedRunner
    views: ViewBuilder
    actions: ActionHost
    stop: Stop
    explainer: Explainer
    redress: Redress
    history: History

    async def run(self) -> None:
        """Run the night to its end."""
        try:
            await self.night.run()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the workers and close the store."""
        await self.actions.close()
        await self.explainer.close()
        self.scribe.store.close()

    @property
    def trials(self) -> list[TrialRecord]:
        """All trials."""
        return self.scribe.trials()


async def rehearse(
    directory: Path,
    settings: Config,
    score: Score,
    *,
    slots: int = 1,
    study_id: str = "r",
    policy: Policy | None = None,
    script: str = SCRIPT,
    maker: Maker | None = None,
    smoker: Smoker | None = None,
    examiner: Examiner | None = None,
    grace_s: float = 30.0,
    plugins: Mapping[str, str] = MappingProxyType({}),
) -> Rehearsal:
    """Open a study, a new one or the one of that id in the directory.

    Args:
        directory: Holds the repo.
        settings: What to do.
        score: The computed training.
        slots: Trials at a time.
        study_id: Of a new study, or of one to go on with.
        policy: Other than TPE.
        script: The repo's one file.
        maker: Makes the wanted fixes; None: the real one.
        smoker: Computed smoke runs.
        examiner: Computed proofs.
        grace_s: What proofs get at the end.
        plugins: Further ones in tests/data/plugins, "module:attribute" by name.
    """
    repo = directory / "repo"
    repo.mkdir(exist_ok=True)
    (repo / "train.py").write_text(script)
    state = StateDir.of_repo(repo)
    state.create()
    store = Store(open_writer(state.root))
    blobs = BlobStore(state.blobs)
    base = snapshot(repo, blobs).tree
    if not any(study.id == study_id for study in store.studies()):
        store.add_tree(base)
        store.add_study(
            StudyRecord(
                study_id, "rehearsal", str(repo), "running", settings.canonical(), "0", 1, base_digest=base.digest
            )
        )
    scribe = Scribe(store, study_id, state, Silent())
    history = History(state.history, blobs)
    states = PluginStates(store, study_id)
    workers = own_workers(settings, {each.plugin for each in wanted(settings)} & BUILT_IN.keys())
    for name, target in plugins.items():
        workers[name] = PluginWorker(name, partial(ProcessRuntime, target, [PLUGINS]))
    actions = ActionHost(settings, state_dir=state.root, workers=workers, states=states)
    await actions.open()
    editor = Editor(actions, blobs, history, ["train.py"])
    offered = await actions.check(editor.files(base), ["train.py"], base.digest)
    defaults = {f"{o.plugin}/{o.action}": o.defaults if o.default_is_base else {} for o in offered}
    store.update_study(study_id, defaults=defaults)
    policy = policy or TpePolicy(settings.objectives, settings.constraints, settings.search.seed)
    runner = ComputedRunner(blobs, store, score)
    judge = Judge(settings, scribe)
    stop = Stop()
    explainer = Explainer()
    fixer = Fixer(settings, scribe, editor, maker or explainer, (3, 11))
    redress = Redress(settings, scribe, judge, Prover(scribe, examiner), fixer, editor, base)
    proposer = Proposer(
        *(settings, scribe, editor, policy, offered, base, Twins(explainer, editor, base), fixer, redress),
        is_available=lambda plugin: plugin in actions.available(),
    )
    night = Night(
        scribe=scribe,
        agenda=Agenda(settings, scribe, editor, proposer, redress, base),
        judge=judge,
        runner=SmokeStage(settings, scribe, runner, smoker),
        redress=redress,
        drifts=Drifts(scribe, editor, redress),
        grace_s=grace_s,
        shares=tuple(Share(slot) for slot in range(slots)),
        stop=stop,
        plugins=PluginBook(settings, scribe, actions, states),
    )
    views = ViewBuilder(store, state, history)
    return Rehearsal(scribe, night, judge, runner, views, actions, stop, explainer, redress, history)
