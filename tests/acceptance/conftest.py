"""Whole studies and single trials on a real engine, each in a state directory of its own that must be empty at the end.

A study is run by the command line in a process of its own, so that it can be killed. A trial is walked in this process,
so that what it is given can be tampered with.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest

from nightlab.controller.config.schema import Config, MiB
from nightlab.controller.engine import Engine
from nightlab.controller.engine.loops import attached
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.images import Toolbox, ensure_toolbox
from nightlab.controller.images.base import ensure_python_base
from nightlab.controller.model.site import Share, Site
from nightlab.controller.model.tree import Entry, Tree
from nightlab.controller.model.trial import Finding, Phase, Role, TrialOutcome, TrialSpec
from nightlab.controller.repo.blobs import BlobStore
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.study.prepare import SiteMaker
from nightlab.controller.trial.draft import Author
from nightlab.controller.trial.spawn import Spawner
from nightlab.controller.trial.walk import TrialWalk
from nightlab.controller.trial.workload import environment

NIGHTLAB = (sys.executable, "-c", "from nightlab.controller.cli import main; main()")
REGULAR = 0o100644
LINE_TIMEOUT_S = 60.0
TRAIN = '''"""Finds the number 3, and prints for as long as its environment asks."""

import argparse
import os
import time

LEARNING_RATE = 0.1

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
seed = parser.parse_args().seed

weight = seed / 1000
for _ in range(20):
    weight -= LEARNING_RATE * 2 * (weight - 3)

until = time.monotonic() + float(os.environ.get(f"PRINT_S_{seed}", "0"))
step = 0
while time.monotonic() < until:
    print(f"step {step} " + "x" * 90, flush=True)
    step += 1
    time.sleep(0.002)
print(f"steps: {step}")
print(f"loss: {(weight - 3) ** 2}")
'''


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(client: docker.DockerClient) -> str:
    return ensure_python_base(client)


@pytest.fixture(scope="session")
def toolbox(client: docker.DockerClient) -> Toolbox:
    return ensure_toolbox(client)


# Studies


@dataclass
class Controller:
    """A `nightlab` that runs, and what it says on standard error."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    lines: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.put(line.rstrip())
        self.lines.put(None)

    def says(self, pattern: str) -> None:
        """Wait for a line."""
        while (line := self.lines.get(timeout=LINE_TIMEOUT_S)) is not None:
            self.said.append(line)
            if re.search(pattern, line):
                return
        pytest.fail(f"ended without saying {pattern!r}:\n" + "\n".join(self.said))

    def kill(self) -> None:
        """As a power cut would, but for the containers."""
        self.process.kill()
        self.process.wait(10)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ends(self, timeout_s: float = 60.0) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(timeout_s)
        while (line := self.lines.get(timeout=LINE_TIMEOUT_S)) is not None:
            self.said.append(line)
        return code


@dataclass
class Study:
    """A repo with one study."""

    repo: Path
    client: docker.DockerClient
    started: list[Controller] = field(default_factory=list)

    @property
    def state(self) -> StateDir:
        return StateDir.of_repo(self.repo)

    @property
    def id(self) -> str:
        return str(self.rows("select id from study")[0]["id"])

    def start(self, *arguments: str) -> Controller:
        command = [*NIGHTLAB, "run", str(self.repo), *arguments]
        output = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True, cwd=self.repo)
        self.started.append(Controller(process))
        return self.started[-1]

    def runs(self, *arguments: str) -> Controller:
        """Run to a good end."""
        controller = self.start(*arguments)
        assert controller.ends() == 0, "\n".join(controller.said)
        return controller

    def asks(self, *arguments: str) -> Any:
        """Return the JSON that a command answers."""
        command = [*NIGHTLAB, *arguments, "--repo", str(self.repo), "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.state.root / "store.sqlite3", timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def attempts(self, number: int) -> list[str]:
        """The endings of a trial's attempts, in order; None for one that has not ended."""
        rows = self.rows(f"select ending from attempt where number = {number} order by attempt")
        return [row["ending"] for row in rows]

    def container(self, number: int, attempt: int = 1) -> str:
        return f"nightlab-{self.id}-t{number}-a{attempt}"

    def running(self) -> list[str]:
        """Names of the containers of this repo's studies."""
        label = f"nightlab.state_dir={self.state.root}"
        return [c.name for c in self.client.containers.list(all=True, filters={"label": label}, ignore_removed=True)]

    @contextmanager
    def event(self, action: str, name: str) -> Iterator[Callable[[], None]]:
        """Give a function that waits until the engine did something with a container whose name ends so."""
        label = f"nightlab.state_dir={self.state.root}"
        events = self.client.events(decode=True, filters={"event": action, "label": label})

        def wait() -> None:
            timer = threading.Timer(LINE_TIMEOUT_S, events.close)
            timer.start()
            for event in events:
                if event["Actor"]["Attributes"]["name"].endswith(name):
                    timer.cancel()
                    return
            pytest.fail(f"no container {name} was {action}ed")

        try:
            yield wait
        finally:
            events.close()

    def check_is_over(self) -> None:
        """The study has ended, is whole, and nothing of it is left on the engine or the machine."""
        assert [row["state"] for row in self.rows("select state from study")] == ["finished"]
        open_trials = "select number from trial where verdict is null or ended_unix_ms is null"
        assert self.rows(open_trials) == []
        assert self.rows("select number from attempt where ending is null or phase != 'ended'") == []
        self.check_is_whole()
        assert self.left() == ()

    def check_is_whole(self) -> None:
        """The store is sound and can be reported on."""
        assert [list(row.values()) for row in self.rows("pragma quick_check")] == [["ok"]]
        assert self.rows("pragma foreign_key_check") == []
        assert self.asks("status")["id"] == self.id

    def left(self) -> tuple[str, ...]:
        """Everything of this repo's studies that is on the engine or the machine."""
        return asyncio.run(_leftovers(self.state.root))


async def _leftovers(state_dir: Path) -> tuple[str, ...]:
    engine = await Engine.open(state_dir)
    try:
        found = await engine.leftovers()
        return (*found.lines(), *(f"loop device {device}" for device in attached(state_dir).values()))
    finally:
        await engine.close()


@pytest.fixture
def study(tmp_path: Path, client: docker.DockerClient, image: str) -> Iterator[Callable[..., Study]]:
    """Make a repo whose runs print for some seconds, by seed; whatever its study left is removed."""
    made: list[Study] = []

    def make(*, prints_s: Mapping[int, float], repeats: int = 1) -> Study:
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "train.py").write_text(TRAIN)
        env = ", ".join(f'PRINT_S_{seed} = "{seconds}"' for seed, seconds in prints_s.items())
        (repo / "nightlab.toml").write_text(
            f"""
            [image]
            name = "{image}"
            workspace = "/app"
            [train]
            command = "python3 train.py"
            timeout = "90s"
            memory = "128m"
            shm = "16m"
            tmp = "16m"
            workspace_size = "16m"
            env = {{ {env} }}
            [[objectives]]
            name = "loss"
            measure = {{ source = "regex", pattern = '^loss: (\\S+)$' }}
            [noise]
            seed = {{ kind = "argument", name = "--seed", base = 1 }}
            repeats = {repeats}
            confirm = 0
            [budget]
            trials = 0
            [search]
            parallel = 1
            """
        )
        made.append(Study(repo, client))
        return made[-1]

    yield make
    for one in made:
        for controller in one.started:
            controller.kill()
        if one.state.root.exists():
            asyncio.run(_remove(one.state.root))


@pytest.fixture
def study_in(client: docker.DockerClient) -> Iterator[Callable[[Path], Study]]:
    """Take a repo with a nightlab.toml of its own; whatever its study left is removed."""
    made: list[Study] = []

    def take(repo: Path) -> Study:
        made.append(Study(repo, client))
        return made[-1]

    yield take
    for one in made:
        asyncio.run(_remove(one.state.root))


@contextmanager
def removed_at_the_end(study: Study) -> Iterator[None]:
    """Remove whatever a study leaves."""
    try:
        yield
    finally:
        for controller in study.started:
            controller.kill()
        asyncio.run(_remove(study.state.root))


async def _remove(state_dir: Path) -> None:
    engine = await Engine.open(state_dir)
    try:
        assert await engine.remove_leftovers(await engine.leftovers()) == ()
    finally:
        await engine.close()


def interrupt_twice(controller: Controller) -> None:
    """As a person who presses Ctrl-C, reads, and presses it again."""
    controller.signal(signal.SIGINT)
    controller.says("Ctrl-C again")
    controller.signal(signal.SIGINT)


# Trials


@dataclass(frozen=True)
class Ground:
    """Where trials are walked."""

    config: Config
    site: Site
    state: StateDir
    blobs: BlobStore
    spawner: Spawner
    engine: Engine
    study_id: str

    def tree(self, files: Mapping[str, str]) -> Tree:
        """Store files and return their tree."""
        entries = [(path, text.encode()) for path, text in files.items()]
        return Tree.of(Entry(path, REGULAR, len(text), self.blobs.put(text)) for path, text in entries)

    async def walk(
        self,
        tree: Tree,
        *,
        argv: Sequence[str] = ("python3", "train.py"),
        base_findings: tuple[Finding, ...] = (),
        spawner: Any = None,
        emit: Callable[[Phase, str], None] = lambda _phase, _text: None,
        line: Callable[[str], None] = lambda _line: None,
        author: Author | None = None,
    ) -> TrialOutcome:
        """Walk one attempt; its output is the file that the outcome names."""
        site = self.site
        spec = TrialSpec(
            study_id=self.study_id,
            number=int(uuid.uuid4().hex[:6], 16),
            attempt=1,
            role=Role.BASELINE,
            tree=tree,
            run_seed=None,
            argv=tuple(argv),
            env=environment(site, self.config.train, seed=self.config.noise.seed, run_seed=None),
            cwd=site.workdir,
        )
        async with Explainer() as explainer:
            walk = TrialWalk(
                self.config,
                site,
                spawner or self.spawner,
                self.state,
                base_findings,
                blobs=self.blobs,
                explainer=explainer,
            )
            return await walk.run(spec, Share(), stop=asyncio.Event(), emit=emit, line=line, author=author)

    def output(self, outcome: TrialOutcome) -> str:
        """What the run printed."""
        return (self.state.root / outcome.log_path).read_text()

    def told(self, outcome: TrialOutcome) -> Any:
        """The JSON object on the last line that the run printed."""
        assert outcome.ending == "finished", (outcome.reason, self.output(outcome))
        return json.loads(self.output(outcome).splitlines()[-1])


@pytest.fixture(scope="session")
def ground_config(image: str) -> Config:
    limits = {"memory": 256 * MiB, "shm": 16 * MiB, "tmp": 16 * MiB, "workspace_size": 16 * MiB, "timeout": 60}
    return Config.model_validate(
        {
            "image": {"name": image, "workspace": "/app"},
            "train": {"command": "python3 train.py", **limits},
            "objectives": [{"name": "wall", "measure": {"source": "observed", "quantity": "wall_time"}}],
        }
    )


@pytest.fixture(scope="session")
def ground_site(ground_config: Config, toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of the image, made once as a study makes it; its seed volume is the trials' too."""
    state = StateDir.of_repo(tmp_path_factory.mktemp("site"))
    state.create()

    async def make() -> Site:
        engine, blobs = await Engine.open(state.root), BlobStore(state.blobs)
        study_id = f"site{uuid.uuid4().hex[:6]}"
        spawner = Spawner(ground_config, engine, toolbox, blobs, state, study_id)
        tree = Tree.of([Entry("train.py", REGULAR, 8, blobs.put(b"print(1)"))])
        maker = SiteMaker(ground_config, engine, state, study_id, spawner, lambda _line: None)
        try:
            return (await maker.make(tree))[0]
        finally:
            await engine.close()

    yield asyncio.run(make())
    asyncio.run(_remove(state.root))


@pytest.fixture
async def ground(ground_config: Config, ground_site: Site, toolbox: Toolbox, tmp_path: Path) -> AsyncIterator[Ground]:
    state = StateDir.of_repo(tmp_path)
    state.create()
    engine, blobs, study_id = await Engine.open(state.root), BlobStore(state.blobs), f"acc{uuid.uuid4().hex[:6]}"
    spawner = Spawner(ground_config, engine, toolbox, blobs, state, study_id)
    spawner.site = ground_site
    try:
        yield Ground(ground_config, ground_site, state, blobs, spawner, engine, study_id)
        left = await engine.leftovers()
        assert left.is_empty, left.lines()
        assert attached(state.root) == {}
    finally:
        await engine.remove_leftovers(await engine.leftovers())
        await engine.close()


def processes_with(marker: str) -> list[int]:
    """Processes of the machine whose command line has a word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if marker.encode() in words and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found
