"""Tries a command by sample runs: lets it write where it must, finds what scores it, measures its limits."""

from __future__ import annotations

import asyncio
import posixpath
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from nightlab.controller.config.schema import Config, GiB, MiB
from nightlab.controller.engine.image import ImageFacts
from nightlab.controller.errors import EngineError
from nightlab.controller.model.site import Site
from nightlab.controller.model.trial import Ending
from nightlab.controller.onboarding.bench import Sample, Workbench
from nightlab.controller.onboarding.command import Candidate, in_tree
from nightlab.controller.onboarding.findings import Score, Wishes
from nightlab.controller.onboarding.limits import cpus_for, memory_for, timeout_for
from nightlab.controller.onboarding.programs import as_text
from nightlab.controller.onboarding.scoring_rule import log_file_of, printing, score_of
from nightlab.controller.report.progress import Progress
from nightlab.controller.text import inert

RETRIES: Final = 4
TAIL_LINES: Final = 15
ENDED_EARLY: Final = (Ending.TIMED_OUT, Ending.STOPPED)
_DENIED: Final = re.compile(
    r"(?:Read-only file system|Permission denied|\[Errno (?:13|30)\])[^'\"/.]*['\"]?(?P<path>(?:\.\.)?/[^'\"\s:]+)"
)
_DENIED_SHELL: Final = re.compile(r"(?P<path>(?:\.\.)?/[\w./-]+)'?: (?:Read-only file system|Permission denied)")
_NEVER_WRITABLE: Final = re.compile(r"/(?:proc|sys|dev|etc|usr|bin|sbin|lib|lib64|boot|nightlab)(?:/|$)|/$")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command that was tried.

    Attributes:
        candidate: Which.
        config: What it ran with; its limits fit the run if it worked.
        site: Where it ran.
        sample: The run.
        score: What scores it; None if nothing does.
        problem: Why it cannot be used; empty if it can.
        notes: For a person.
    """

    candidate: Candidate
    config: Config
    site: Site
    sample: Sample
    score: Score | None
    problem: str
    notes: tuple[str, ...] = ()

    @property
    def is_unscored(self) -> bool:
        """Whether it ran and only a score was missing."""
        return self.score is None and _may_score(self.sample)


class Trying:
    """Tries commands in one image."""

    def __init__(
        self, bench: Workbench, wishes: Wishes, facts: ImageFacts, progress: Progress, stop: asyncio.Event
    ) -> None:
        self._bench = bench
        self._wishes = wishes
        self._facts = facts
        self._progress = progress
        self._stop = stop

    async def attempt(self, config: Config, candidate: Candidate) -> Attempt:
        """Run a command until it is clear whether it trains to a score.

        Raises:
            EngineError, LinkError: The machine failed.
            ConfigError: What the person said does not fit the run.
        """
        config = with_train(config, command=candidate.argv, entrypoint=candidate.entrypoint)
        self._progress.note(f"sample run: {candidate.text} ({candidate.reason})")
        config, site, sample = await self._run(config)
        candidate = replace(candidate, argv=tuple(config.train.command))
        notes = tuple(f"the run must be able to write {path}; train.writable lets it" for path in config.train.writable)
        score = await asyncio.to_thread(score_of, sample, self._wishes) if _may_score(sample) else None
        if score is None and sample.outcome.ending is Ending.FINISHED and not self._wishes.metric:
            log_file = await asyncio.to_thread(log_file_of, sample)
            if log_file is not None and not candidate.reason.endswith("printed at its end"):
                reason = f"{candidate.reason}; its results are in {log_file.path}, which is printed at its end"
                return await self.attempt(
                    config, replace(candidate, argv=printing(candidate.argv, log_file.path), reason=reason)
                )
        problem = _problem(sample, score)
        return Attempt(candidate, self._fitted(config, sample), site, sample, score, problem, notes)

    async def _run(self, config: Config) -> tuple[Config, Site, Sample]:
        """Run, and again with what the run was denied, a few times."""
        site = await self._bench.settle(config, self._facts)
        for _ in range(RETRIES):
            config = self._in_tree(config, site)
            config, sample = await self._sample(config, site)
            if _lacks_python(config, sample):
                config = with_train(config, command=("python3", *config.train.command[1:]))
                continue
            denied = denied_directory(sample.lines, site) if sample.outcome.ending is Ending.FAILED else None
            if denied is None or denied in config.train.writable:
                return config, site, sample
            self._progress.note(f"the run may not write {denied}; trying again with train.writable")
            config = with_train(config, writable=(*config.train.writable, denied))
            site = await self._bench.settle(config, self._facts)
        config, sample = await self._sample(config, site)
        return config, site, sample

    def _in_tree(self, config: Config, site: Site) -> Config:
        argv = tuple(config.train.command)
        own = in_tree(argv, self._bench.tree, workspace=site.workspace, workdir=site.workdir)
        if own != argv:
            self._progress.note(f"the image has a copy of the script elsewhere; edits reach {as_text(own)}")
        return with_train(config, command=own)

    async def _sample(self, config: Config, site: Site) -> tuple[Config, Sample]:
        try:
            return config, await self._bench.sample(config, site, None, self._stop)
        except EngineError as error:
            if not config.train.gpus:
                raise
            self._progress.note(f"no container gets a GPU here ({inert(str(error), 200)}); trying without")
            config = with_train(config, gpus=0)
            return config, await self._bench.sample(config, site, None, self._stop)

    def _fitted(self, config: Config, sample: Sample) -> Config:
        """Return the config with limits that fit what the run took."""
        usage, train = sample.outcome.usage, config.train
        peak = usage.peak_memory_bytes
        ended_early = sample.outcome.ending in ENDED_EARLY
        return with_train(
            config,
            timeout=train.timeout if ended_early else timeout_for(usage.train_s),
            cpus=cpus_for(usage.cpu_s, usage.train_s, int(train.cpus)),
            memory=train.memory if peak is None else memory_for(peak, train.memory),
            gpus=train.gpus if usage.peak_gpu_bytes else 0,
        )


def with_train(config: Config, **changes: Any) -> Config:
    """Return a config with another [train]."""
    return config.model_copy(update={"train": config.train.model_copy(update=changes)})


def room(bench: Workbench, config: Config) -> Config:
    """Return a config whose trial has the machine to itself."""
    capacity = bench.capacity
    taken = config.train.workspace_size if bench.workspace_kind(config) == "tmpfs" else 0
    memory = max(GiB // 2, (capacity.memory_bytes - taken) // MiB * MiB)
    return with_train(config, cpus=float(len(capacity.cores)), memory=memory, gpus=1 if capacity.gpus else 0)


def _lacks_python(config: Config, sample: Sample) -> bool:
    """Whether a command says `python` in an image that has `python3` only."""
    return config.train.command[0] == "python" and "did not start" in sample.outcome.reason


def denied_directory(lines: tuple[str, ...], site: Site) -> str | None:
    """Return the directory that a failed run wanted to write and may be let write; None if it failed otherwise."""
    for line in reversed(lines[-60:]):
        match = _DENIED.search(line) or _DENIED_SHELL.search(line)
        if match is None:
            continue
        path = posixpath.normpath(posixpath.join(site.workdir, match["path"]))
        directory = posixpath.dirname(path) if "." in posixpath.basename(path) else path
        inside = directory == site.workspace or directory.startswith(site.workspace + "/")
        if inside or _NEVER_WRITABLE.match(directory) or any(directory == place.path for place in site.places):
            return None
        return directory
    return None


def _may_score(sample: Sample) -> bool:
    return sample.outcome.ending in (Ending.FINISHED, *ENDED_EARLY)


def _problem(sample: Sample, score: Score | None) -> str:
    outcome = sample.outcome
    if outcome.ending not in (Ending.FINISHED, *ENDED_EARLY):
        return f"{outcome.ending.value}: {outcome.reason}"
    if score is None:
        ended = "" if outcome.ending is Ending.FINISHED else f" before it was ended ({outcome.reason})"
        return f"it printed no number that scores a model{ended}"
    return ""


def tail_of(sample: Sample) -> str:
    """Return the last lines of a run, inert."""
    spoken = [line for line in sample.lines if line.strip()]
    return "\n".join(f"  | {inert(line, 200)}" for line in spoken[-TAIL_LINES:])
