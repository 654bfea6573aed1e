"""nightlab's own gate, asked in real sandboxes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from nightlab.controller.bench.gate.cases import Program
from nightlab.controller.bench.gate.drafting import Drafter
from nightlab.controller.bench.gate.gate import Launch, Moment, Order, Pairing, Rogue, WantedFix
from nightlab.controller.bench.gate.ground import Ground, Place, make_ground
from nightlab.controller.bench.gate.images import ensure_image
from nightlab.controller.bench.gate.meddling import MeddledSpawner, tamper
from nightlab.controller.bench.stand import Say
from nightlab.controller.engine import Engine
from nightlab.controller.explain.explainer import Explainer
from nightlab.controller.explain.orders import FixOrder
from nightlab.controller.images.toolbox import Toolbox, ensure_toolbox
from nightlab.controller.model.change import Effect
from nightlab.controller.model.site import Share
from nightlab.controller.model.tree import Tree
from nightlab.controller.model.trial import Finding, GateReport, Phase, Role, TrialOutcome, TrialSpec
from nightlab.controller.proof.observation import Observation
from nightlab.controller.proof.paired import PairedRuns
from nightlab.controller.store.state_dir import StateDir
from nightlab.controller.trial.smoke import SmokeRun, SmokeRunner
from nightlab.controller.trial.walk import TrialWalk
from nightlab.controller.trial.workload import environment

OUTPUT_BYTES: Final = 2**20


class RealGate:
    """The gate of trials: real images, containers, seals, lints, explanations and smoke runs."""

    def __init__(
        self, engine: Engine, toolbox: Toolbox, explainer: Explainer, folder: Path, wheels: Path, say: Say
    ) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._explainer = explainer
        self._folder = folder
        self._wheels = wheels
        self._say = say
        self._grounds: dict[frozenset[str], Ground] = {}
        self._making = asyncio.Lock()
        self._pairs: dict[str, PairedRuns] = {}
        self._known: dict[str, tuple[Finding, ...]] = {}

    async def launch(self, program: Program, rogue: Rogue | None = None, *, is_base: bool = True) -> Launch:
        """Send a program through the gate and run it."""
        ground = await self.ground(program)
        if not is_base:
            return await self._launch(ground, program, rogue, ())
        known = self._known.get(_key(program))
        if known is None:
            launch = await self._launch(ground, program, None, ())
            known = self._known[_key(program)] = launch.blocking
            if rogue is None and not known:
                return launch
        return await self._launch(ground, program, rogue, known)

    async def wanted(self, program: Program, order: Order) -> Sequence[WantedFix]:
        """Make wanted fixes on a copy and classify them."""
        ground = await self.ground(program)
        asked = FixOrder(order.level, order.formats, order.select, python=ground.site.python)
        made = await self._explainer.fixes(program.files, asked, paths=tuple(program.files), repo_config=program.files)
        return [WantedFix(fix.author, fix.effect, fix.files, fix.reason) for fix in made]

    async def classify(self, before: Program, after: Program) -> Effect:
        """Say what a change may do."""
        changes = await self._explainer.changes(before.files, after.files)
        order = list(Effect)
        return max((change.effect for change in changes), key=order.index, default=Effect.SAME_PROGRAM)

    async def smoke(self, program: Program) -> Launch:
        """Run a program as a smoke run does."""
        run = await self._smoke(program)
        return Launch(run.report.ending, run.lines, reason=run.report.reason, is_as_sealed=True)

    async def pair(self, before: Program, after: Program) -> Pairing:
        """Find out by paired smoke runs whether two programs do the same."""
        ground = await self.ground(before)
        key = f"{ground.study_id}/{_key(before)}"
        if key not in self._pairs:
            observe = functools.partial(self._observe, before)
            self._pairs[key] = PairedRuns(observe, before.files)
        found = await self._pairs[key].compare(after.files)
        return Pairing(found.differs, found.evidence)

    async def ground(self, program: Program) -> Ground:
        """Return where a program with its needs is launched; made when it is first asked for."""
        needs = frozenset(program.needs)
        async with self._making:
            if needs not in self._grounds:
                name = f"bench-{secrets.token_hex(2)}"
                image = await asyncio.to_thread(
                    ensure_image, self._engine.client, needs, self._wheels, progress=self._say
                )
                folder = self._folder / name
                folder.mkdir()
                self._grounds[needs] = await make_ground(self._engine, self._toolbox, image, folder, name)
            return self._grounds[needs]

    async def _launch(
        self, ground: Ground, program: Program, rogue: Rogue | None, known: tuple[Finding, ...]
    ) -> Launch:
        with ground.place() as place:
            spec = _spec(ground, place, program)
            spawner: Any = (
                place.spawner if rogue is None else MeddledSpawner(ground.engine, place, program.files, rogue)
            )
            author = Drafter(place, program, rogue) if rogue and rogue.moment is Moment.DRAFT else None
            if rogue and rogue.moment is Moment.TRANSFER:
                tamper(place, program.files, rogue)
            walk = TrialWalk(
                *(ground.config, ground.site, spawner, place.state, known),
                blobs=place.blobs,
                explainer=self._explainer,
                base=spec.tree if known else Tree(()),
            )
            line = getattr(spawner, "printed", _nobody)
            stop = asyncio.Event()
            outcome = await walk.run(spec, Share(), stop=stop, emit=_quiet, line=line, author=author)
            return _told(place, outcome)

    async def _observe(self, program: Program, files: Mapping[str, bytes]) -> Observation:
        run = await self._smoke(replace(program, files=files))
        return Observation.of(run.report, run.lines, run.values, run.files)

    async def _smoke(self, program: Program) -> SmokeRun:
        ground = await self.ground(program)
        with ground.place() as place:
            runner = SmokeRunner(ground.config, ground.site, place.spawner, place.state)
            name = f"s{place.number}"
            tree = place.tree(program.files)
            return await runner.run(tree, Share(), name=name, run_seed=None, stop=asyncio.Event())


@asynccontextmanager
async def open_gate(wheels: Path, say: Say) -> AsyncIterator[RealGate]:
    """Open an engine and make the toolbox; at the end nothing is left on the engine or the machine.

    Args:
        wheels: As of `ensure_image`.
        say: Called with one line as each step begins.
    """
    with tempfile.TemporaryDirectory(prefix="nightlab-gate-") as name:
        folder = Path(name)
        state = StateDir.of_repo(folder)
        state.create()
        engine = await Engine.open(state.root)
        try:
            toolbox = await asyncio.to_thread(ensure_toolbox, engine.client, progress=say)
            async with Explainer() as explainer:
                yield RealGate(engine, toolbox, explainer, folder, wheels, say)
        finally:
            for problem in await engine.remove_leftovers(await engine.leftovers()):
                say(f"left behind: {problem}")
            await engine.close()


def _key(program: Program) -> str:
    """Name the contents of a program; what ruff finds in it is what its base has."""
    return hashlib.sha256(repr(sorted(program.files.items())).encode()).hexdigest()


def _spec(ground: Ground, place: Place, program: Program) -> TrialSpec:
    config = ground.config
    return TrialSpec(
        study_id=ground.study_id,
        number=place.number,
        attempt=1,
        role=Role.BASELINE,
        tree=place.propose(program.files),
        run_seed=None,
        argv=program.argv,
        env=environment(ground.site, config.train, seed=config.noise.seed, run_seed=None),
        cwd=ground.site.workdir,
    )


def _told(place: Place, outcome: TrialOutcome) -> Launch:
    gate: GateReport = outcome.gate
    lines: tuple[str, ...] = ()
    with contextlib.suppress(FileNotFoundError):
        output = (place.state.root / outcome.log_path).read_bytes()[:OUTPUT_BYTES]
        lines = tuple(output.decode(errors="replace").splitlines())
    return Launch(
        ending=outcome.ending,
        lines=lines,
        drifts=gate.drifts,
        blocking=gate.blocking,
        reason=outcome.reason,
        is_as_sealed=bool(gate.digest_inside) and gate.digest_inside == gate.digest_outside,
    )


def _nobody(_line: str) -> None:
    """Tell nobody."""


def _quiet(_phase: Phase, _text: str) -> None:
    """Tell nobody."""
