"""The story that must never repeat, as a night: somebody flips `SCALAR_LR` at a chosen moment of each trial.

The night is a real study in this process. Its progress tells the moments, so a flip is made exactly then: everything
between two phases of an attempt waits for it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest

from nightlab.controller.config.load import load_config
from nightlab.controller.model.trial import Phase, TrialOutcome, TrialSpec
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.repo.history import History
from nightlab.controller.report.silent import Silent
from nightlab.controller.report.view import StudyView
from nightlab.controller.search.tpe import TpePolicy
from nightlab.controller.store import Store, open_reader
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.night import Stop
from nightlab.controller.study.open import run_study
from nightlab.controller.trial.draft import Draft
from nightlab.controller.trial.walk import TrialWalk

TRAIN = """\
import argparse
import math

SCALAR_LR = 0.5
RATE = 0.01
STEPS = 60


def fit(seed):
    weight, best = seed / 1000, math.inf
    for _step in range(STEPS):
        weight -= RATE * SCALAR_LR * 2 * (weight - 3)
        loss = (weight - 3) ** 2
        if best >= loss:
            best = loss
    return best


parser = argparse.ArgumentParser()
parser.add_argument('--seed', type=int, default=1)
seed = parser.parse_args().seed
print(f"lr: {SCALAR_LR}", flush=True)
print(f"loss: {fit(seed)}")
"""
HARMED = """\
import argparse

SCALAR_LR = 0.5
RATE = 0.01

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--steps", type=int, default=60)
options = parser.parse_args()
print(f"lr: {SCALAR_LR}", flush=True)
weight, best = options.seed / 1000, 1e9
for step in range(options.steps):
    weight -= RATE * SCALAR_LR * 2 * (weight - 3)
    loss = (weight - 3) ** 2 if step < 50 else float("nan")
    if best >= loss:
        best = loss
    print((f"step {step} best {best}"))
print(f"loss: {best}")
"""
FIXES = """
[lint]
fix = "all"
select = ["PLR1730", "UP034"]
[smoke]
enabled = true
arguments = ["--steps", "4"]
timeout = "20s"
"""
FLIPPED = "`SCALAR_LR` 0.5 -> 0.3, train.py:4"
CONFIG = """
[image]
name = "IMAGE"
workspace = "/app"
[train]
command = "python3 train.py"
timeout = "60s"
memory = "128m"
shm = "16m"
tmp = "16m"
workspace_size = "16m"
[[objectives]]
name = "loss"
measure = { source = "regex", pattern = '^loss: (\\S+)$' }
[noise]
seed = { kind = "argument", name = "--seed", base = 1 }
repeats = 2
confirm = 1
[search]
parallel = 1
frozen = ["train.py:SCALAR_LR", "train.py:STEPS"]
[search.tunable."train.py:RATE"]
low = 0.005
high = 0.05
[budget]
trials = TRIALS
"""


def write_repo(repo: Path, image: str, trials: int) -> None:
    """Write the repo of the story."""
    repo.mkdir()
    (repo / "train.py").write_text(TRAIN)
    (repo / "nightlab.toml").write_text(CONFIG.replace("IMAGE", image).replace("TRIALS", str(trials)))


def write_harmed_repo(repo: Path, image: str, trials: int) -> None:
    """Write a repo with a wanted fix that is harmful from step 50 on, where no smoke run comes to."""
    write_repo(repo, image, trials)
    (repo / "train.py").write_text(HARMED)
    config = (repo / "nightlab.toml").read_text().replace("confirm = 1", "confirm = 0")
    (repo / "nightlab.toml").write_text(config.replace(', "train.py:STEPS"', "") + FIXES)


# Who flips it


@dataclass(frozen=True)
class Scene:
    """A moment of one attempt, for somebody who wants to write there."""

    state: StateDir
    container: str
    number: int

    @property
    def root(self) -> Path:
        """The container's root directory as the host sees it."""
        with _docker() as client:
            return Path(f"/proc/{client.containers.get(self.container).attrs['State']['Pid']}/root")

    def inside(self, *argv: str) -> None:
        """Run a command in the container, as its root."""
        with _docker() as client:
            code, said = client.containers.get(self.container).exec_run(list(argv), user="0")
        assert code == 0, said

    @property
    def volume(self) -> Path:
        """The directory of the host that is mounted as the workspace."""
        with _docker() as client:
            mounts = client.containers.get(self.container).attrs["Mounts"]
        return Path(next(mount["Source"] for mount in mounts if mount["Destination"] == "/app"))

    @property
    def blob(self) -> Path:
        """The stored content of the trial's train.py."""
        store = Store(open_reader(self.state.root))
        try:
            study = store.studies()[-1].id
            tree = store.tree(store.trial(study, self.number).run_digest or "")
        finally:
            store.close()
        sha256 = tree.by_path["train.py"].sha256
        return self.state.blobs / sha256[:2] / sha256[2:]


@dataclass(frozen=True)
class Meddler:
    """Somebody who writes once, when an attempt enters a phase; `works` is an author's hand instead."""

    phase: Phase
    act: Callable[[Scene], None] = lambda _scene: None
    works: Callable[[Draft], Any] | None = None


def flip(path: Path) -> None:
    """Do what cost somebody four hours."""
    path.chmod(0o644)
    path.write_text(path.read_text().replace("SCALAR_LR = 0.5", "SCALAR_LR = 0.3"))


def flip_inside(scene: Scene) -> None:
    """Flip it as a process of the container."""
    code = "import os; p='/app/train.py'; os.chmod(p, 0o644); t=open(p).read().replace('LR = 0.5','LR = 0.3')"
    scene.inside("python3", "-c", f"{code}; open(p, 'w').write(t)")


def tool(*argv: str) -> Callable[[Scene], None]:
    """Return somebody who runs a tool on the sealed file, from outside.

    The tool works on its standard input: one that resolves `/proc/PID/root/...`, as black does, ends up in the root
    directory of the host.
    """

    def act(scene: Scene) -> None:
        path = scene.root / "app/train.py"
        done = subprocess.run(
            [sys.executable, "-m", *argv, "-"], input=path.read_bytes(), check=True, capture_output=True, timeout=60
        )
        assert done.stdout
        assert done.stdout != path.read_bytes(), "the tool changes nothing"
        path.chmod(0o644)
        path.write_bytes(done.stdout)

    return act


# The night


@dataclass
class Told(Silent):
    """Hears of every phase, lets the meddlers write, and keeps what a person would read.

    Attributes:
        meddlers: By name; the first trial gets the first one.
        at: Which trial met which one.
    """

    state: StateDir
    meddlers: dict[str, Meddler]
    at: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    study_id: str = ""
    left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = list(self.meddlers)

    def study_started(self, view: StudyView) -> None:
        self.study_id = view.id

    def note(self, text: str) -> None:
        self.notes.append(text)

    def phase(self, number: int, attempt: int, phase: Phase, text: str) -> None:
        if phase is Phase.PLANNED and self.left and number not in self.at.values():
            self.at[self.left.pop(0)] = number
        meddler = self.of(number)
        if meddler is not None and attempt == 1 and phase is meddler.phase:
            meddler.act(Scene(self.state, f"nightlab-{self.study_id}-t{number}-a{attempt}", number))

    def of(self, number: int) -> Meddler | None:
        """Return who meddles with a trial."""
        name = next((name for name, met in self.at.items() if met == number), None)
        return self.meddlers[name] if name is not None else None


@dataclass
class Hand:
    """An author whose edits are kept in the study's own history."""

    history: History
    works: Callable[[Draft], Any]
    parent: str | None = None

    def record(self, tree: Any, *, author: str, message: str) -> str:
        self.parent = self.history.commit(
            tree, parent=self.parent, author=author, message=message, at=datetime.now(UTC)
        )
        return self.parent

    async def work(self, draft: Draft) -> None:
        await self.works(draft)


@dataclass(frozen=True)
class StoryNight:
    """What came of it."""

    repo: Path
    view: StudyView
    told: Told
    asked: tuple[tuple[str, ...], ...]

    @property
    def state(self) -> StateDir:
        return StateDir.of_repo(self.repo)

    def logs(self) -> dict[str, str]:
        """Everything that any run of the night printed."""
        study = self.state.study(self.view.id)
        return {str(path.relative_to(study)): path.read_text() for path in study.rglob("output-*.log")}


def run_night(repo: Path, meddlers: dict[str, Meddler]) -> StoryNight:
    """Run the repo's study in this process while somebody meddles."""
    told, asked = Told(StateDir.of_repo(repo), meddlers), []

    class Listening(TpePolicy):
        """The policy; what it is told is kept."""

        def propose(self, candidates: Any, past: Any, number: int) -> Any:
            asked.append(tuple(line for each in past for line in each.notices))
            return super().propose(candidates, past, number)

    class Authored(TrialWalk):
        """The walk, on some trials with somebody who edits by hand."""

        async def run(self, spec: TrialSpec, *args: Any, **facts: Any) -> TrialOutcome:
            meddler = told.of(spec.number)
            if meddler is not None and meddler.works is not None:
                blobs = BlobStore(told.state.blobs)
                facts["author"] = Hand(History(told.state.history, blobs), meddler.works)
            return await super().run(spec, *args, **facts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nightlab.controller.study.open.TpePolicy", Listening)
        patch.setattr("nightlab.controller.study.open.TrialWalk", Authored)
        night = run_study(repo, load_config(repo), resume=None, progress=told, stop=Stop())
        view = asyncio.run(night)
    return StoryNight(repo, view, told, tuple(asked))


def asked_for(repo: Path, command: Sequence[str], *arguments: str) -> str:
    """Return what a command of the product says."""
    done = subprocess.run(
        [*command, *arguments, "--repo", str(repo)], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


@contextmanager
def _docker() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    try:
        yield client
    finally:
        client.close()
