"""The walk of `nightlab init`: Dockerfile, image, command, sample run, metric, seed, limits, config, one baseline."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nightlab.controller.actions.model import OfferedAction
from nightlab.controller.config.load import FILE_NAME, parse_config
from nightlab.controller.config.schema import Config, Image, Objective, Observed, Search, Train
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.errors import ConfigError, OnboardingFailed, RepoError
from nightlab.controller.onboarding.bench import Workbench, workbench
from nightlab.controller.onboarding.command import Candidate, find_commands, given_command
from nightlab.controller.onboarding.dockerfile import find_dockerfiles, plain_dockerfile
from nightlab.controller.onboarding.draft import draft, frozen_of, tunable_of
from nightlab.controller.onboarding.files import protected_files
from nightlab.controller.onboarding.findings import Findings, SeedFound, Wishes
from nightlab.controller.onboarding.metric import names_in
from nightlab.controller.onboarding.overridden import set_by_command
from nightlab.controller.onboarding.proving import prove_seed, shown
from nightlab.controller.onboarding.scoring_rule import checked_pattern
from nightlab.controller.onboarding.seed import seed_options
from nightlab.controller.onboarding.trying import ENDED_EARLY, Attempt, Trying, room, tail_of, with_train
from nightlab.controller.report.progress import Progress
from nightlab.controller.study.night import Stop
from nightlab.controller.study.price import Price, price_night
from nightlab.controller.text import inert

MOST_TRIED: Final = 3
NAMED: Final = 5
PLACEHOLDER: Final = "true"


@dataclass(frozen=True, slots=True)
class Onboarded:
    """What came of it, for a person and for programs.

    Attributes:
        config_path: The file that was written.
        dockerfile: Relative to the repo.
        dockerfile_written: Whether it was written too.
        command: The training command.
        entrypoint: Whether the image's ENTRYPOINT goes before it.
        workspace: Where the repo is in the image.
        workdir: Where the command starts.
        objective: Name of what scores a run.
        direction: Which way it is better.
        value: In the sample run.
        seed: How the seed is set; "none" if it cannot be.
        sample_s: How long the sample run took.
        peak_memory_bytes: Of it.
        tunable: How many literals the search moves.
        frozen: How many it leaves alone.
        notes: What a person should look at.
        baseline: The scored baseline; None if none was asked for.
    """

    config_path: str
    dockerfile: str
    dockerfile_written: bool
    command: str
    entrypoint: str
    workspace: str
    workdir: str
    objective: str
    direction: str
    value: float
    seed: str
    sample_s: float
    peak_memory_bytes: int | None
    tunable: int
    frozen: int
    notes: tuple[str, ...]
    baseline: Price | None = None


async def onboard(
    repo: Path, wishes: Wishes, *, force: bool, with_baseline: bool, progress: Progress, stop: Stop
) -> Onboarded:
    """Look at a repo, run it once, write its nightlab.toml and prove it by a baseline.

    Args:
        repo: The repo.
        wishes: What the person said.
        force: Replace a config that is there.
        with_baseline: Run the baseline.
        progress: Who is told.
        stop: Ends the sample run early; what it printed so far counts.

    Raises:
        ConfigError: A config is there already, or what the person said is wrong.
        OnboardingFailed: Something could not be found; the text says what was looked at and what to pass.
        RepoError, EngineError, LinkError, StoreError: As of a study.
    """
    path = repo / FILE_NAME
    if not repo.is_dir():
        raise RepoError(f"{str(repo)!r} is not a directory; give the path of the training repo")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already", hint="--force replaces it; `nightlab run --dry-run` tries it")
    if wishes.metric:
        checked_pattern(wishes.metric)
    async with workbench(repo, progress) as bench:
        found = _Onboarding(bench, wishes, progress, stop)
        findings = await found.run()
    text = draft(findings, repo.resolve().name)
    config = parse_config(text)
    _write(path, text)
    progress.note(f"wrote {path}")
    price = None
    if with_baseline and findings.sample.outcome.ending not in ENDED_EARLY:
        progress.note("one baseline, as the config has it")
        price = await price_night(repo, config, progress=progress, stop=stop)
    return _onboarded(path, findings, found.written, price)


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


class _Onboarding:
    """One onboarding under way.

    Attributes:
        written: Whether a Dockerfile was written.
    """

    def __init__(self, bench: Workbench, wishes: Wishes, progress: Progress, stop: Stop) -> None:
        self.written = False
        self._bench = bench
        self._wishes = wishes
        self._progress = progress
        self._stop = stop
        self._notes: list[str] = []

    async def run(self) -> Findings:
        image, reason = self._image()
        config = self._config(image)
        facts = await self._bench.image(config)
        config = config.model_copy(update={"image": Image(name=facts.image_id)})
        stop = asyncio.Event()
        watcher = asyncio.create_task(_pass_on(self._stop, stop))
        try:
            attempt = await self._attempts(config, facts, stop)
            findings = await self._rest(attempt, facts, stop, reason)
        finally:
            watcher.cancel()
        return replace(findings, config=findings.config.model_copy(update={"image": image}))

    # Image

    def _image(self) -> tuple[Image, str]:
        wishes, bench = self._wishes, self._bench
        if wishes.dockerfile:
            if wishes.dockerfile not in bench.tree.by_path:
                raise ConfigError(
                    f"--dockerfile {wishes.dockerfile}: the repo has no such file (is it ignored by git?)"
                )
            image = Image(
                dockerfile=wishes.dockerfile, context=wishes.context or ".", build_args=dict(wishes.build_args)
            )
            return image, "you named it"
        found = [each for each in find_dockerfiles(bench.tree, bench.text) if each.weight > 0]
        if not found:
            return self._written_image()
        best, rest = found[0], found[1:]
        if rest:
            names = ", ".join(f"{each.path} ({each.reason})" for each in rest)
            self._notes.append(f"{best.path} was taken because {best.reason}; --dockerfile takes another: {names}")
        context = wishes.context or best.context
        return Image(dockerfile=best.path, context=context, build_args=dict(wishes.build_args)), best.reason

    def _written_image(self) -> tuple[Image, str]:
        written = plain_dockerfile(self._bench.tree, self._bench.text)
        path = self._bench.state.repo / "Dockerfile"
        if path.exists() or path.is_symlink():
            raise OnboardingFailed(f"{path} exists but git ignores it; track it, or name another one with --dockerfile")
        path.write_text(written.text, encoding="utf-8")
        self._bench.refresh()
        self.written = True
        self._notes.append(f"the repo had no Dockerfile, so one was written: {'; '.join(written.assumptions)}")
        return Image(build_args=dict(self._wishes.build_args)), "written by `nightlab init`"

    def _config(self, image: Image) -> Config:
        config = Config(
            image=image,
            train=Train(command=PLACEHOLDER, timeout=self._wishes.timeout_s),
            objectives=(Objective(name="wall_time", measure=Observed(source="observed", quantity="wall_time")),),
            search=Search(parallel=1),
        )
        return room(self._bench, config)

    # Command

    async def _attempts(self, config: Config, facts: ImageFacts, stop: asyncio.Event) -> Attempt:
        trying = Trying(self._bench, self._wishes, facts, self._progress, stop)
        failed: list[Attempt] = []
        candidates = self._candidates(facts)
        for candidate in candidates[:MOST_TRIED]:
            attempt = await trying.attempt(config, candidate)
            if not attempt.problem:
                self._notes += attempt.notes
                return attempt
            self._progress.note(f"{candidate.text}: {attempt.problem}")
            failed.append(attempt)
            if stop.is_set():
                break
        raise _nothing_works(failed, candidates, self._wishes)

    def _candidates(self, facts: ImageFacts) -> list[Candidate]:
        bench = self._bench
        if self._wishes.train:
            try:
                return [given_command(self._wishes.train, facts, bench.tree, bench.text)]
            except ValueError as error:
                raise ConfigError(f"--train {self._wishes.train!r} cannot be split into words: {error}") from error
        found = find_commands(facts, bench.tree, bench.text)
        if not found:
            raise _no_command(bench)
        return found

    # Everything else

    async def _rest(self, attempt: Attempt, facts: ImageFacts, stop: asyncio.Event, dockerfile: str) -> Findings:
        bench, site = self._bench, attempt.site
        assert attempt.score is not None
        starts = bench.starts(attempt.config, site)
        sizes = {entry.path: entry.size for entry in bench.tree.entries}
        protected = protected_files(sizes, starts)
        config = with_train(attempt.config, protected=tuple(protected))
        offered = await bench.offers(config, site)
        overridden = set_by_command(attempt.candidate.argv, tunable_of(offered))
        if overridden:
            config = config.model_copy(update={"search": config.search.model_copy(update={"frozen": overridden})})
            offered = await bench.offers(config, site)
            self._notes.append(f"the command sets {_shortly(overridden)}; what it does not set is searched")
        if not any(action.sampleable for action in offered):
            self._notes.append("no tunable literal was found: name some in search.tunable")
        seed = await self._seed(config, attempt, facts, offered, stop)
        if seed.option is None:
            self._notes.append(seed.proof)
        if attempt.sample.outcome.ending in ENDED_EARLY:
            self._notes.append(
                f"the sample run did not end by itself ({attempt.sample.outcome.reason}): set train.timeout"
            )
        if not attempt.score.reason.startswith("you") and "training data only" in attempt.score.reason:
            self._notes.append(
                "only a training metric was found, which rewards overfitting: print one on held-out data"
            )
        return Findings(
            config=config,
            candidate=attempt.candidate,
            site=site,
            sample=attempt.sample,
            score=attempt.score,
            seed=seed,
            offered=offered,
            protected=protected,
            tracked=tuple(sizes),
            dockerfile=dockerfile,
            overridden=overridden,
            notes=tuple(self._notes),
        )

    async def _seed(
        self,
        config: Config,
        attempt: Attempt,
        facts: ImageFacts,
        offered: tuple[OfferedAction, ...],
        stop: asyncio.Event,
    ) -> SeedFound:
        notes = [note for action in offered for note in action.diagnostics]
        scripts = [
            self._bench.text(path)
            for path in self._bench.starts(config, attempt.site)
            if path.endswith((".sh", ".bash"))
        ]
        if attempt.candidate.entrypoint == "image":
            scripts += self._entrypoint_scripts(facts)
        options = seed_options(notes, attempt.candidate.argv, scripts)
        if attempt.sample.outcome.ending in ENDED_EARLY:
            return SeedFound(options[0] if options else None, "not proven: the sample run did not end by itself")
        return await prove_seed(self._bench, config, attempt.site, options, attempt.sample, self._progress, stop)

    def _entrypoint_scripts(self, facts: ImageFacts) -> list[str]:
        names = {word.rpartition("/")[2] for word in facts.entrypoint}
        return [self._bench.text(e.path) for e in self._bench.tree.entries if e.path.rpartition("/")[2] in names]


def _shortly(names: tuple[str, ...]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


async def _pass_on(stop: Stop, event: asyncio.Event) -> None:
    """End the sample run at the first wish to stop."""
    while not stop.draining:
        await stop.changed.wait()
        stop.changed.clear()
    event.set()


def _onboarded(path: Path, findings: Findings, written: bool, price: Price | None) -> Onboarded:
    usage = findings.sample.outcome.usage
    option = findings.seed.option
    return Onboarded(
        config_path=str(path),
        dockerfile=findings.config.image.dockerfile,
        dockerfile_written=written,
        command=findings.candidate.text,
        entrypoint=findings.candidate.entrypoint,
        workspace=findings.site.workspace,
        workdir=findings.site.workdir,
        objective=findings.score.name,
        direction=findings.score.direction.value,
        value=findings.score.value,
        seed=f"{option.seed.kind} {shown(option.seed)}" if option else "none",
        sample_s=usage.train_s,
        peak_memory_bytes=usage.peak_memory_bytes,
        tunable=len(tunable_of(findings.offered)),
        frozen=len(frozen_of(findings.offered)),
        notes=findings.notes,
        baseline=price,
    )


# What could not be found


def _nothing_works(failed: list[Attempt], candidates: list[Candidate], wishes: Wishes) -> OnboardingFailed:
    lines = ["no command reached a score, so no config was written"]
    for attempt in failed:
        lines += [f"{attempt.candidate.text} ({attempt.candidate.reason}): {attempt.problem}", tail_of(attempt.sample)]
        names = names_in(attempt.sample.lines)[-12:] if attempt.is_unscored else []
        lines += [f"  numbers with a name that it printed: {inert(', '.join(names), 400)}"] if names else []
        lines += [f"  whole output: {attempt.sample.log}"]
    untried = [candidate.text for candidate in candidates[len(failed) :]]
    lines += [f"not tried: {'; '.join(untried)}"] if untried else []
    return OnboardingFailed("\n".join(line for line in lines if line), hint=_way_out(failed, wishes))


def _way_out(failed: list[Attempt], wishes: Wishes) -> str:
    """Say what to do next: a command that crashed has to run first, one that printed no score needs to be told of."""
    hints = []
    if any(not attempt.is_unscored for attempt in failed):
        hints.append("make the command run to its end in the image, as its last lines above say what it lacks")
    if any(attempt.is_unscored for attempt in failed):
        hints.append(
            "print the score at the end, as in `val_loss: 0.123`, or name what scores it: --metric 'REGEX' with one "
            "group around the number, and --direction"
        )
    hints += [] if wishes.train else ["--train 'COMMAND' names another training command"]
    return "; ".join(hints)


def _no_command(bench: Workbench) -> OnboardingFailed:
    paths = [entry.path for entry in bench.tree.entries]
    scripts = [path for path in paths if path.endswith((".py", ".sh"))]
    notebooks = [path for path in paths if path.endswith(".ipynb")]
    looked = (
        "no training command was found: looked at the image's ENTRYPOINT and CMD, shell scripts, README, Makefile, "
        f"console scripts and {len(scripts)} Python and shell files"
    )
    if notebooks and not scripts:
        return OnboardingFailed(
            f"{looked}; the repo has notebooks only ({inert(', '.join(notebooks[:3]), 200)})",
            hint="turn one into a script: jupyter nbconvert --to script NOTEBOOK, then --train 'python3 SCRIPT'",
        )
    shown_scripts = f": {inert(', '.join(scripts[:8]), 300)}" if scripts else ""
    return OnboardingFailed(f"{looked}{shown_scripts}", hint="--train 'COMMAND' names it, such as 'python3 train.py'")
